from __future__ import annotations

from pathlib import Path

import pytest

from plugin.errors import CaptureError, ModelError
from plugin.flows.stream import Limits
from plugin.ml.flow_model import FlowModel
from plugin.offline.flow_learning import Input, extract
from plugin.offline.flow_scoring import documents, score_capture
from plugin.offline.flow_stream import FlowStream
from plugin.offline.flow_training import Recipe, train
from tests import frames as f
from tests.netml_files import write_capture


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_capture(tmp_path_factory.mktemp("captures") / "small.pcap")


@pytest.fixture(scope="module")
def model(small: Path) -> FlowModel:
    return train(extract([Input(small)]), Recipe(alarms=0.2, name="m")).model


def no_wait(seconds: float) -> None:
    raise AssertionError(f"waited {seconds} s")


def sorted_told(told: list[dict[str, object]]) -> list[str]:
    return sorted(str({k: v for k, v in one.items() if k != "ended"}) for one in told)


def test_a_growing_capture_scores_as_the_whole_one(
    model: FlowModel, small: Path, tmp_path: Path
) -> None:
    whole, path = small.read_bytes(), tmp_path / "growing.pcap"
    path.write_bytes(whole[:10])  # not even the header
    pieces = [whole[at : at + 50_001] for at in range(10, len(whole), 50_001)]
    over = [False]

    def wait(seconds: float) -> None:
        del seconds
        if not pieces:
            over[0] = True
            return
        with path.open("ab") as stream:
            stream.write(pieces.pop(0))

    stream = FlowStream(model, str(path))
    told: list[dict[str, object]] = []
    left: list[int] = []
    for scores in stream.follow(path, lambda: over[0], wait):
        told += stream.documents(scores, explain=True)
        left.append(len(pieces))
    assert left[0] > 0, "flows are told while the capture grows"
    found = score_capture(path, model)
    columns = found.spec.columns()
    expected = list(documents(found, model, explain=True, columns=columns))
    assert sorted_told(told) == sorted_told(expected)
    assert {one["ended"] for one in told} == {"pause", "end"}
    assert (stream.flows, stream.abnormal) == (len(expected), int(found.abnormal.sum()))


def test_a_torn_end_is_none_of_ours_and_damage_is(model: FlowModel, tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    whole = f.pcap(*(f.tcp_frame(k / 10, f.ACK) for k in range(4)))
    path.write_bytes(whole[:-3])
    stream = FlowStream(model, "x")
    found = list(stream.follow(path, lambda: True, no_wait))
    assert [one.scored.rows["packets"].tolist() for one in found] == [[3]]
    path.write_bytes(b"no capture at all")
    with pytest.raises(CaptureError, match="not a pcap"):
        list(FlowStream(model, "x").follow(path, lambda: True, no_wait))


def test_live_bytes_time_and_one_device(model: FlowModel) -> None:
    asks = [f.tcp_frame(k / 10, f.ACK) for k in range(4)]
    answers = [f.tcp_frame(k / 10 + 0.05, f.ACK, back=True) for k in range(2)]
    stream = FlowStream(model, "nic", device="10.0.0.2")
    assert list(stream.feed(b"")) == []
    assert list(stream.feed(f.pcap(*sorted(asks + answers)))) == []
    assert list(stream.advance(1)) == []
    (scores,) = stream.advance(2**61)
    (document,) = stream.documents(scores)
    assert (document["device"], document["source"]) == ("0e:00:00:00:00:02", "nic")
    assert (document["packets"], document["ended"]) == (2, "pause")
    assert list(stream.finish()) == []
    assert (stream.flows, stream.counts().packets) == (1, 6)


def test_what_there_is_no_room_for_is_told(model: FlowModel) -> None:
    stream = FlowStream(model, "nic", limits=Limits(flows=1))
    frames = [f.tcp_frame(k / 10, f.ACK, back=k > 1) for k in range(4)]
    found = [*stream.feed(f.pcap(*frames)), *stream.finish()]
    assert [one.ended for one in found] == [("evicted",), ("end",)]


def test_a_model_that_leaves_out_last_parts_is_refused(model: FlowModel) -> None:
    spec = {**model.manifest.spec, "last": "drop"}
    with pytest.raises(ModelError, match="--last keep"):
        FlowStream(model._replace(manifest=model.manifest._replace(spec=spec)), "x")
