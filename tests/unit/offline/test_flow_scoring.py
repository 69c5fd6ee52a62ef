from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plugin.errors import InputError, ModelError
from plugin.ml.flow_model import FlowModel
from plugin.offline.classify import is_flow_model
from plugin.offline.flow_learning import Input, extract
from plugin.offline.flow_scoring import (
    by_device,
    documents,
    of_device,
    score_capture,
    spec_of,
)
from plugin.offline.flow_training import Recipe, save_flow_model, train
from tests import frames as f
from tests.netml_files import SMALL


@pytest.fixture(scope="module")
def model() -> FlowModel:
    return train(extract([Input(SMALL)]), Recipe(alarms=0.2, name="m")).model


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Two devices that talk: one asks at even times, the other answers once in a while."""
    path = tmp_path / "other.pcap"
    asks = [f.tcp_frame(k / 10, f.ACK) for k in range(40)]
    answers = [f.tcp_frame(k + 0.05, f.ACK, back=True) for k in range(3)]
    path.write_bytes(f.pcap(*sorted(asks + answers)))
    return path


def test_flows_of_any_capture_are_scored_as_they_were_learned(
    model: FlowModel, other: Path
) -> None:
    learned = extract([Input(SMALL)])
    assert (score_capture(SMALL, model).features == learned.features).all()
    found = score_capture(other, model)
    assert found.features.shape == (2, model.manifest.columns)
    assert found.scores.tolist() == model.score(found.features).tolist()
    assert found.abnormal.tolist() == (found.scores > model.manifest.threshold).tolist()


def test_what_json_tells(model: FlowModel, other: Path) -> None:
    found = score_capture(other, model)
    columns = found.spec.columns()
    ask, answer = documents(found, model, explain=True, columns=columns)
    assert (ask["kind"], ask["device"], ask["proto"]) == ("flow", "0e:00:00:00:00:01", "tcp")
    assert (ask["src_ip"], ask["dst_ip"]) == ("10.0.0.1", "10.0.0.2") == (
        answer["dst_ip"], answer["src_ip"],
    )  # fmt: skip
    assert (ask["packets"], ask["duration"]) == (40, pytest.approx(3.9))
    assert ask["abnormal"] is (ask["score"] > ask["threshold"])
    assert ask["reasons"][0]["name"] in columns
    assert "reasons" not in next(documents(found, model))


def test_devices_are_told_by_what_they_send(model: FlowModel, other: Path) -> None:
    found = score_capture(other, model)
    devices = by_device(found)
    assert {one.device for one in devices} == {"0e:00:00:00:00:01", "0e:00:00:00:00:02"}
    assert sum(one.flows for one in devices) == 2
    assert sum(one.abnormal for one in devices) == found.abnormal.sum()
    order = [(-one.abnormal, -one.highest) for one in devices]
    assert order == sorted(order)
    assert devices[0].document("x")["share"] == devices[0].abnormal
    for name in ("0e:00:00:00:00:02", "10.0.0.2"):
        assert of_device(found, name).rows["packets"].tolist() == [3]
    assert len(of_device(found, "10.0.0.9").scores) == 0


def test_a_capture_without_flows_is_told(model: FlowModel, tmp_path: Path) -> None:
    path = tmp_path / "few.pcap"
    for frames, said in (((), "no packets"), ((f.udp_frame(1),), "no TCP or UDP flow of 2")):
        path.write_bytes(f.pcap(*frames))
        with pytest.raises(InputError, match=said):
            score_capture(path, model)


def test_which_models_score_flows(model: FlowModel, tmp_path: Path) -> None:
    save_flow_model(model, tmp_path / "flows")
    assert is_flow_model(str(tmp_path / "flows"))
    assert not is_flow_model("device")
    assert not is_flow_model("none of that name")
    theirs = tmp_path / "model.dat"
    theirs.write_bytes(b"\x80\x04")
    with pytest.raises(ModelError, match="pickles"):
        is_flow_model(str(theirs))


def test_a_spec_of_other_columns_is_refused(model: FlowModel) -> None:
    document = dict(model.manifest.spec) | {"packets": 5}
    wrong = model._replace(manifest=model.manifest._replace(spec=document))
    with pytest.raises(ModelError, match="its features have 4"):
        spec_of(wrong)


def test_a_sender_without_a_mac_is_told_by_its_address(model: FlowModel, other: Path) -> None:
    found = score_capture(other, model)
    rows = found.rows.copy()
    rows["mac"] = 0
    assert {one.device for one in by_device(found._replace(rows=rows))} == {
        "10.0.0.1",
        "10.0.0.2",
    }
    assert np.isfinite(found.p_values).all()
