from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plugin
from plugin.cli import train
from plugin.cli.main import command_parser
from plugin.errors import DatasetError, ModelError, OptionError, OutputError
from plugin.offline import learning
from plugin.offline.training import file_digest
from plugin.settings import load_settings
from tests import frames as f

FOREST = ((("trees", 5.0), ("leaf", 1.0), ("share", 0.3)),)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """One point of the grid: what is chosen is not the matter here."""
    monkeypatch.setattr(learning, "GRIDS", {"forest": FOREST})


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    """Two roles: one uses a web server, one a name server; each in four files, three sites."""
    folder = tmp_path / "data"
    folder.mkdir()
    rows = []
    for i in range(4):
        web = [f.tcp_frame(1 + i, f.SYN), f.tcp_frame(1.1 + i, f.SYN | f.ACK, back=True)]
        (folder / f"w{i}.pcap").write_bytes(f.pcap(*web, f.tcp_frame(2 + i, f.ACK)))
        (folder / f"a{i}.pcap").write_bytes(f.pcap(*(f.udp_frame(k) for k in range(2 + i))))
        rows += [f"w{i}.pcap,Web,s{i % 3}", f"a{i}.pcap,Asks,s{i % 3}"]
    (folder / "labels.csv").write_text("path,label,site\n" + "\n".join(rows) + "\n")
    return folder


def trained(data: Any, **options: Any) -> Any:
    return plugin.train(data, algorithm="forest", features="service-ports", **options)


def test_from_captures_to_a_model_and_back(captures: Path, tmp_path: Path) -> None:
    made = trained(captures, name="mine", seed=3)
    assert made.model.manifest.classes == ("Asks", "Web")
    assert made.model.manifest.name == "mine"
    assert made.model.manifest.metrics["recipe"]["seed"] == 3
    assert made.evaluation.right == made.evaluation.captures == 8
    saved = plugin.save_model(made.model, str(tmp_path / "mine"))
    assert plugin.load_model(tmp_path / "mine").manifest == saved.manifest
    with pytest.raises(OutputError, match="exists"):
        plugin.save_model(made.model, tmp_path / "mine")
    plugin.save_model(made.model, tmp_path / "mine", force=True)
    (one, *_) = plugin.classify(captures / "w0.pcap", model=str(tmp_path / "mine"))
    assert one.role.labels[0] == "Web"
    for model in (made.model, tmp_path / "mine", str(tmp_path / "mine")):
        found = plugin.evaluate(model, captures)
        assert found.right == 8
        assert found.notes[0].startswith("WARNING: 8 of these 8 captures")


def test_a_model_is_adapted_to_other_labels(captures: Path, tmp_path: Path) -> None:
    plugin.save_model(trained(captures).model, tmp_path / "base")
    text = (captures / "labels.csv").read_text()
    (captures / "labels.csv").write_text(text.replace("Asks", "Calls"))
    found = plugin.adapt(tmp_path / "base", captures, name="ours")
    assert found.new == ("Calls",)
    assert (found.before, found.after, found.asked) == (4, 8, 8)
    assert found.model.manifest.name == "ours"
    (one, *_) = plugin.classify(
        captures / "a0.pcap",
        model=str(_saved(found.model, tmp_path / "ours")),
    )
    assert one.role.labels[0] == "Calls"


def _saved(model: Any, place: Path) -> Path:
    plugin.save_model(model, place)
    return place


def test_defaults_are_those_of_the_command() -> None:
    given = command_parser("train").parse_args(["DATA"])
    asked = (
        inspect.signature(plugin.train).parameters | inspect.signature(plugin.labelled).parameters
    )
    for name in ("algorithm", "features", "root", "label_column", "group_column"):
        # The command must know whether an option was given: with --adapt some do not apply.
        usual = {"algorithm": train.ALGORITHMS[0], "features": train.FEATURES[0]}.get(name)
        assert asked[name].default == (getattr(given, name) or usual), name
    assert asked["seed"].default == load_settings(environ={}).train.seed


def test_the_same_seed_gives_the_same_model(captures: Path) -> None:
    first, again, other = (trained(captures, seed=seed).model for seed in (7, 7, 8))
    assert first.manifest == again.manifest
    assert all(np.array_equal(first.arrays[k], again.arrays[k]) for k in first.arrays)
    assert other.manifest != first.manifest


def test_groups_left_out_one_at_a_time_or_in_folds(captures: Path) -> None:
    model = trained(captures).model
    each = plugin.evaluate(model, captures, leave_out="path")
    assert "leave one path out (8)" in each.split
    folds = plugin.evaluate(model, captures, leave_out="path", folds=4)
    assert "4 folds by path" in folds.split
    assert folds.captures == each.captures == 8
    assert not folds.notes
    assert plugin.evaluate(model, captures, leave_out="site").groups == 3


def test_what_could_not_be_used_is_told(captures: Path) -> None:
    (captures / "w3.pcap").write_bytes(b"no capture")
    made = trained(captures)
    assert made.evaluation.captures == 7
    (note,) = (one for one in made.evaluation.notes if one.startswith("w3.pcap: left out: "))
    assert note in plugin.evaluate(made.model, captures, leave_out="site").notes
    assert "notes" in made.model.manifest.metrics["test"]
    assert note not in made.model.manifest.metrics["test"]["notes"]


def test_a_list_says_what_is_taken(captures: Path, tmp_path: Path) -> None:
    held = tmp_path / "held.csv"
    held.write_text(f"sha256\n{file_digest(captures / 'w0.pcap')}\n")
    found = plugin.labelled(captures, hold_out=[held])
    assert trained(found).evaluation.captures == 7
    listing = plugin.labelled(
        str(captures / "labels.csv"),
        root=str(captures),
        label_column="site",
        group_column="label",
        where=[("path", "w*")],
    ).listing
    assert [(s.label, s.group) for s in listing.samples] == [(f"s{i % 3}", "Web") for i in range(4)]


def test_labels_get_the_vocabularys_spelling(captures: Path) -> None:
    text = (captures / "labels.csv").read_text()
    (captures / "labels.csv").write_text(text.replace("Web", "printer").replace("Asks", "unknown"))
    labels = {sample.label for sample in plugin.labelled(captures).listing.samples}
    assert labels == {"Printer", "Unknown"}


def test_wrong_questions(captures: Path, tmp_path: Path) -> None:
    wrong: Any = "magic"
    with pytest.raises(OptionError, match="magic"):
        plugin.train(captures, algorithm=wrong)
    with pytest.raises(OptionError, match="magic"):
        plugin.train(captures, algorithm="forest", features=wrong)
    with pytest.raises(DatasetError):
        trained(tmp_path / "none")
    model = trained(captures).model
    with pytest.raises(OptionError, match="folds"):
        plugin.evaluate(model, captures, folds=3)
    with pytest.raises(DatasetError, match="no column 'nowhere'"):
        plugin.evaluate(model, captures, leave_out="nowhere")
    with pytest.raises(ModelError):
        plugin.evaluate("no-such-model", captures)
