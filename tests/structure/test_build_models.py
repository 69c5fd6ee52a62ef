"""The builder of the shipped models takes captures out of clones and transforms them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from plugin.ml.store import load_model, load_normal, save_model
from tests import frames as f

ROOT = Path(__file__).resolve().parents[2]
FIELDS = {"member": "", "transform": "none", "sha256_before": "", "sha256": ""}
OTHER = bytes((10, 0, 0, 9))


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("b", ROOT / "scripts" / "build_models.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def original() -> bytes:
    """Three packets, of which two belong to 10.0.0.1."""
    third = f.ethernet(f.ipv4(f.udp(5, 53), 17, src=OTHER))
    return f.pcap(f.udp_frame(1), f.Frame(2 * f.SECOND, third), f.udp_frame(3))


@pytest.fixture
def clones(tmp_path: Path, original: bytes) -> tuple[Path, str]:
    """A clone whose working tree has gone on since the commit that the list names."""
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    clone = tmp_path / "clones" / "owner" / "repo"
    clone.mkdir(parents=True)
    (clone / "a.pcap").write_bytes(original)
    (clone / "a.pcap.gz").write_bytes(gzip.compress(original))
    with zipfile.ZipFile(clone / "a.zip", "w") as archive:
        archive.writestr("in/a.pcap", original)
        archive.writestr("readme.txt", "x")
    git = ["git", "-C", str(clone), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    done = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    (clone / "a.pcap").write_bytes(b"later")
    return tmp_path / "clones", done.stdout.strip()


def _row(commit: str, source: str, **more: str) -> dict[str, str]:
    base = {"path": "x/y.pcap", "repository": "github:owner/repo", "commit": commit}
    return {**FIELDS, **base, "source_path": source, **more}


@pytest.mark.parametrize(
    ("source", "member"),
    [("a.pcap", ""), ("a.pcap.gz", ""), ("a.zip", "in/a.pcap"), ("a.zip", "*")],
)
def test_a_capture_comes_from_the_listed_commit(
    builder: ModuleType,
    clones: tuple[Path, str],
    original: bytes,
    tmp_path: Path,
    source: str,
    member: str,
) -> None:
    folder, commit = clones
    digest = hashlib.sha256(original).hexdigest()
    row = _row(commit, source, member=member, sha256_before=digest, sha256=digest)
    builder.make(row, folder, tmp_path, b"")
    builder.check(row, tmp_path)
    assert (tmp_path / "x" / "y.pcap").read_bytes() == original


def test_another_file_is_refused(
    builder: ModuleType, clones: tuple[Path, str], tmp_path: Path
) -> None:
    folder, commit = clones
    with pytest.raises(builder.SourceError, match="original"):
        builder.make(_row(commit, "a.pcap", sha256_before="0" * 64), folder, tmp_path, b"")
    with pytest.raises(builder.SourceError, match="no such transform"):
        builder.make(_row(commit, "a.pcap", transform="magic"), folder, tmp_path, b"")
    with pytest.raises(builder.SourceError):
        builder.make(_row(commit, "none.pcap"), folder, tmp_path, b"")
    builder.make(_row(commit, "a.pcap"), folder, tmp_path, b"")
    with pytest.raises(builder.SourceError, match="the list says"):
        builder.check(_row(commit, "a.pcap", sha256="0" * 64), tmp_path)


@pytest.mark.skipif(not shutil.which("tcpdump"), reason="tcpdump is not installed")
@pytest.mark.parametrize(
    ("transform", "packets"),
    [("filter host 10.0.0.1", 2), ("packets 1-1", 1), ("filter host 10.0.0.1; packets 1-1", 1)],
)
def test_transforms(
    builder: ModuleType,
    clones: tuple[Path, str],
    tmp_path: Path,
    transform: str,
    packets: int,
) -> None:
    folder, commit = clones
    builder.make(_row(commit, "a.pcap", transform=transform), folder, tmp_path, b"")
    info = [sys.executable, "-m", "plugin", "info", "--json", str(tmp_path / "x" / "y.pcap")]
    found = subprocess.run(info, cwd=ROOT, check=True, capture_output=True, text=True)
    assert f'"packets": {packets}' in found.stdout or f'"packets":{packets}' in found.stdout


def test_the_model_of_normal_is_packed_as_a_rebuild_would(tmp_path: Path) -> None:
    shipped = ROOT / "models" / "normal"
    save_model(load_normal(shipped), tmp_path / "normal")
    for file in sorted(p.name for p in shipped.iterdir()):
        assert (tmp_path / "normal" / file).read_bytes() == (shipped / file).read_bytes(), file


def test_no_reference_of_the_model_of_normal_has_an_attack_in_it() -> None:
    with (ROOT / "models" / "sources.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    calm = Counter(row["label"] for row in rows if row["attack"] == "no" and row["use"] != "demo")
    references = load_normal(ROOT / "models" / "normal").manifest.metrics["references"]
    assert sum(references.values()) > 250
    assert all(count <= calm[label] for label, count in references.items())


@pytest.mark.parametrize("name", ["device", "enterprise"])
def test_a_shipped_model_is_packed_as_a_rebuild_would(name: str, tmp_path: Path) -> None:
    # Training it again takes a minute; that its arrays are packed in today's way does not.
    shipped = ROOT / "models" / name
    save_model(load_model(shipped), tmp_path / name)
    for file in sorted(p.name for p in shipped.iterdir()):
        assert (tmp_path / name / file).read_bytes() == (shipped / file).read_bytes(), file


def test_neither_attacks_nor_the_demo_are_harmless(
    builder: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"path": f"{attack}/{use}", "attack": attack, "use": use}
        for attack in ("no", "yes", "mixed", "unknown", "")
        for use in ("train", "demo")
    ]
    assert [row["path"] for row in builder.harmless(rows)] == ["no/train"]
    asked = {}

    def labelled(*_: Any, **options: Any) -> None:
        asked.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr("plugin.offline.learning.labelled", labelled)
    with pytest.raises(KeyboardInterrupt):
        builder.normal(ROOT, ROOT)
    assert asked["where"] == [("attack", "no")]
    assert asked["hold_out"] == [builder.DEMO]


def test_the_model_of_suspicion_learned_from_the_harmless_captures_of_the_list(
    builder: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugin.ml.dataset import training_digest
    from plugin.ml.store import load_suspicion

    with (ROOT / "models" / "sources.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    calm = builder.harmless(rows)
    manifest = load_suspicion(ROOT / "models" / "suspicion").manifest
    assert manifest.metrics["captures"] == len(calm)
    assert manifest.training_digest == training_digest(row["sha256"] for row in calm)
    taken: list[str] = []

    def make(some: Any) -> None:
        taken.extend(str(one.path) for one in some)
        raise KeyboardInterrupt

    monkeypatch.setattr("plugin.offline.harmless.make_suspicion", make)
    with pytest.raises(KeyboardInterrupt):
        builder.suspicion(rows, Path(), ROOT)
    assert taken == [row["path"] for row in calm]
