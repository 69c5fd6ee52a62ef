"""From settings to what judges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plugin.errors import HaliaError, InputError, ModelError
from plugin.offline.judges import Judges, load_judges
from tests.apps import settings
from tests.flow_models import saved_flows

ROOT = Path(__file__).resolve().parents[3]


def test_models_and_behaviours_are_loaded(tmp_path: Path) -> None:
    judges = load_judges(settings(tmp_path))
    assert [model.manifest.name for model in judges.models] == ["demo"]
    shipped = judges.parameters
    text = (ROOT / "configs" / "behaviours.yaml").read_text(encoding="utf-8")
    (tmp_path / "own.yaml").write_text(text.replace("targets: 25", "targets: 99", 1))
    own = load_judges(settings(tmp_path, behaviours__file=tmp_path / "own.yaml")).parameters
    assert own != shipped
    assert 99 in (own.horizontal_scan.targets, own.vertical_scan.targets)


def test_networkmls_labels_are_those_of_all_models(tmp_path: Path) -> None:
    judges = load_judges(settings(tmp_path, model="enterprise"))
    labels = judges.networkml()
    assert labels
    assert all(isinstance(one, str) for pair in labels.items() for one in pair)


@pytest.mark.parametrize(
    "wrong", [{"model": "no-such-model"}, {"behaviours__file": Path("/no/such/file")}]
)
def test_wrong_models_and_behaviours_are_told(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(HaliaError, match=r"no.such"):
        load_judges(settings(tmp_path, **wrong))


def flows(folder: Path, *named: str) -> Judges:
    text = f"detect: {{flows: {json.dumps(named)}}}\n"
    return load_judges(settings(folder, text, model="enterprise"))


def test_models_of_flows_are_loaded_for_roles(tmp_path: Path) -> None:
    model = saved_flows(tmp_path)
    judges = flows(tmp_path, f"Printer={model}", f"* = {model}")
    assert judges.flows.keys() == {"Printer", "*"}
    options = judges.options()
    assert (options.flows, options.normal) == (judges.flows, judges.normal)
    assert (options.behaviours, options.suspicion) == (judges.parameters, judges.suspicion)
    assert (options.device, options.window, options.memory) == (None, None, None)


def test_wrong_models_of_flows_are_told_with_their_role(tmp_path: Path) -> None:
    model = saved_flows(tmp_path)
    for named, match in (
        ([f"*={tmp_path}/none"], r"^detect\.flows, role \*: .*none: .* cannot be read"),
        (["*=enterprise"], r"^detect\.flows, role \*: .*is a model of roles"),
        ([f"Prunter={model}"], r"^detect\.flows, role Prunter: .*enterprise.*'Printer'\?$"),
        ([f"*={model}", f"*={model}"], r"^detect\.flows, role \*: is named twice"),
    ):
        with pytest.raises(InputError, match=match):
            flows(tmp_path, *named)
    arrays = model / "arrays.npz"
    arrays.write_bytes(arrays.read_bytes()[:-9])
    with pytest.raises(ModelError, match=r"^detect\.flows, role \*: .*tiny"):
        flows(tmp_path, f"*={model}")
