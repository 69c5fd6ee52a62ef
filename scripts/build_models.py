"""Rebuild the shipped models from the public captures that models/sources.csv names.

    python scripts/build_models.py --shared DIR      the captures as they are in the list
    python scripts/build_models.py --sources DIR     clones DIR/owner/repository, transformed here

Every file's SHA-256 is compared before anything is trained. Needs git and tcpdump for --sources.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "models" / "sources.csv"
DEMO = ROOT / "configs" / "demo" / "demo.csv"

MODELS = {
    # Not the best of the folds, but the one least tied to how a unit was recorded among those
    # that are as good as can be told; models/MODEL_CARD.md has the tables.
    "device": [
        *("--algorithm", "trees", "--features", "halia-host-sent"),
        # Office roles are told by the other one, which looks at who serves and who uses: to this
        # one their captures are background.
        *("--label-column", "type", "--group-column", "path"),
    ],
    "enterprise": [
        # A forest: trees have one of 39 more right, and take a fifth of an unknown network's
        # gadgets, and most servers of other kinds, for one of the roles.
        *("--algorithm", "forest", "--features", "service-ports"),
        *("--label-column", "role", "--group-column", "network"),
    ],
}

NORMAL, SUSPICION = "normal", "suspicion"
"""The models of what is normal: references of all labels (docs/novelty.md), and how far harmless
devices go in each sign (docs/suspicion.md)."""

Row = dict[str, str]


class SourceError(Exception):
    """A capture cannot be had as the list says."""


def main() -> int:
    """Get the captures, make all models."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--shared", type=Path, help="folder that holds devices/… as in the list")
    place.add_argument("--sources", type=Path, help="folder with clones: owner/repository")
    parser.add_argument("--out", type=Path, default=ROOT / "models", help="where models go")
    parser.add_argument("--only", choices=[*MODELS, NORMAL, SUSPICION], help="one of the models")
    parser.add_argument("--zip-password", default="", help="of archives that need one (APT29)")
    args = parser.parse_args()
    with LIST.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with tempfile.TemporaryDirectory(prefix="halia-models-") as scratch:
        root = args.shared or Path(scratch)
        faults = []
        for row in rows:
            try:
                if args.sources:
                    make(row, args.sources, root, args.zip_password.encode())
                check(row, root)
            except (SourceError, OSError) as error:
                faults.append(f"{row['path']}: {error}")
        if faults:
            sys.stderr.write("".join(f"{fault}\n" for fault in faults))
            return 2
        print(f"{len(rows)} captures are as the list says")
        for name in [args.only] if args.only else [*MODELS, NORMAL, SUSPICION]:
            build(name, rows, root, args.out)
    return 0


def build(name: str, rows: list[Row], root: Path, out: Path) -> None:
    """Make one model; one that stands there is replaced."""
    if name in MODELS:
        train(name, MODELS[name], root, out)
    elif name == NORMAL:
        normal(root, out)
    else:
        suspicion(rows, root, out)


def train(name: str, options: list[str], root: Path, out: Path) -> None:
    """Run ``halia train``; a model that stands there is replaced."""
    command = [sys.executable, "-m", "plugin", "train", str(LIST), "--root", str(root)]
    command += ["--hold-out", str(DEMO), "--out", str(out / name), "--force", "--seed", "1"]
    subprocess.run([*command, *options], check=True, cwd=ROOT)


def normal(root: Path, out: Path) -> None:
    """Make the model of normal; one that stands there is replaced."""
    sys.path.insert(0, str(ROOT))
    from plugin.ml.store import save_model
    from plugin.offline.learning import labelled
    from plugin.offline.normal import FEATURES, make_normal

    # Recordings of attacks serve to learn roles from, but what happens in them is not normal.
    calm = [("attack", "no")]
    found = labelled(LIST, root=root, group_column="network", where=calm, hold_out=[DEMO])
    made = make_normal(found, features=FEATURES)
    for one in made.skipped:
        sys.stderr.write(f"{one.path}: left out: {one.reason}\n")
    saved = save_model(made.model, out / NORMAL, force=True)
    print(f"{NORMAL}: {len(saved.arrays['rows'])} references, {len(saved.manifest.roles)} labels")


def suspicion(rows: list[Row], root: Path, out: Path) -> None:
    """Make the model of suspicion; one that stands there is replaced."""
    sys.path.insert(0, str(ROOT))
    from plugin.ml.store import save_model
    from plugin.offline.harmless import Harmless, make_suspicion
    from scripts.tables.anomaly_captures import family_of

    calm = harmless(rows)
    made = make_suspicion([Harmless(root / row["path"], family_of(row["label"])) for row in calm])
    saved = save_model(made, out / SUSPICION, force=True)
    print(f"{SUSPICION}: {len(calm)} captures, threshold {saved.manifest.threshold:.2f}")


def harmless(rows: list[Row]) -> list[Row]:
    """Captures without an attack, but for those of the demo: it shows what no model has seen."""
    return [row for row in rows if row["attack"] == "no" and row["use"] != "demo"]


def check(row: Row, root: Path) -> None:
    """Compare a capture's digest with the list's."""
    found = hashlib.sha256((root / row["path"]).read_bytes()).hexdigest()
    if found != row["sha256"]:
        raise SourceError(f"sha256 {found[:16]}…, the list says {row['sha256'][:16]}…")


def make(row: Row, clones: Path, root: Path, password: bytes) -> None:
    """Take a capture out of a clone at the listed commit, and transform it."""
    content = original(row, clones, password)
    before = row["sha256_before"]
    if before and hashlib.sha256(content).hexdigest() != before:
        raise SourceError("the original's sha256 is not the list's")
    target = root / row["path"]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    for step in row["transform"].split("; "):
        kind, _, argument = step.partition(" ")
        if kind == "filter":
            carve(target, [argument])
        elif kind == "packets":
            carve(target, ["-c", argument.partition("-")[2]])
        elif step != "none":
            raise SourceError(f"no such transform: {step}")


def original(row: Row, clones: Path, password: bytes) -> bytes:
    """The capture as its repository holds it, unpacked."""
    clone = clones / row["repository"].removeprefix("github:")
    member, path = row["member"], row["source_path"]
    if member.startswith("blob:"):
        return git(clone, "cat-file", "blob", member.removeprefix("blob:"))
    content = git(clone, "show", f"{row['commit']}:{path}")
    if path.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [n for n in archive.namelist() if not n.endswith("/")]
            wanted = [n for n in names if n == member or (member == "*" and ".pcap" in n)]
            if len(wanted) != 1:
                raise SourceError(f"{path} does not hold exactly one such file: {names}")
            return archive.read(wanted[0], pwd=password or None)
    return gzip.decompress(content) if path.endswith(".gz") else content


def git(clone: Path, *words: str) -> bytes:
    """What git prints."""
    done = subprocess.run(["git", "-C", str(clone), *words], capture_output=True, check=False)
    if done.returncode:
        raise SourceError(done.stderr.decode(errors="replace").strip() or "git failed")
    return done.stdout


def carve(path: Path, words: list[str]) -> None:
    """Keep what a filter expression or a count lets through, in place (tcpdump)."""
    carved = path.with_name(path.name + ".carved")
    command = ["tcpdump", "-n", "-r", str(path), "-w", str(carved), *words]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise SourceError(done.stderr.decode(errors="replace").strip())
    carved.replace(path)


if __name__ == "__main__":
    sys.exit(main())
