"""Captures to verdicts: judged, unjudgeable, or with nothing to judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from plugin.app.inbox import Inbox
from plugin.app.judging import Judging
from plugin.app.worker import Worker
from plugin.engine import events as ev
from plugin.engine.commands import Announce, Judge
from plugin.errors import ModelError
from plugin.offline.classify import DEFAULTS
from plugin.offline.flow_novelty import load_flow_models
from plugin.offline.judges import Judges
from tests import attacks
from tests import frames as f
from tests.apps import PATIENCE, items
from tests.flow_models import saved_flows
from tests.models import tiny_net
from tests.normals import tiny_normal

if TYPE_CHECKING:
    from plugin.ml.novelty.model import Normal
    from plugin.ml.verdict import Verdict
    from plugin.records import Capture

ROOT = Path(__file__).resolve().parents[3]
NET = tiny_net(("A", "B", "C", "D"))
OTHER = tiny_net(("E", "F", "G", "H"))
NAME = "trace_020000000066_2023-11-14_22_13_20.pcap"


def order(folder: Path, mac: str | None = attacks.BAD_TEXT, missed: int = 0) -> Judge:
    path = folder / NAME
    path.write_bytes(f.pcap(*attacks.horizontal()))
    return Judge(str(path), NAME, mac, missed)


def judging(inbox: Inbox | None = None, normal: Normal | None = None, **more: Any) -> Judging:
    judges = Judges([NET], DEFAULTS, normal)
    return Judging(judges, Inbox() if inbox is None else inbox, **more)


def test_a_capture_is_judged_with_its_behaviours(tmp_path: Path) -> None:
    done = judging().judge(order(tmp_path))
    assert isinstance(done, ev.Judged)
    assert (done.capture, done.name, done.verdict.mac) == (NAME, None, attacks.BAD_TEXT)
    assert done.verdict.anomaly is not None
    assert [one.name for one in done.verdict.anomaly.behaviour] == ["horizontal-scan"]
    assert not [one for one in done.verdict.warnings if "lost" in one]


def test_lost_frames_are_a_warning_of_the_verdict(tmp_path: Path) -> None:
    done = judging().judge(order(tmp_path, missed=1_234))
    assert isinstance(done, ev.Judged)
    assert done.verdict.warnings[-1].startswith("1,234 frames")


def test_what_the_device_calls_itself_is_asked_for(tmp_path: Path) -> None:
    asked: list[tuple[Path, str]] = []

    def name(path: Path, mac: str) -> str:
        asked.append((path, mac))
        return "ann-laptop"

    done = judging(names=name).judge(order(tmp_path, mac=None))
    assert isinstance(done, ev.Judged)
    assert done.name == "ann-laptop"
    assert asked == [(tmp_path / NAME, attacks.BAD_TEXT)]


@pytest.mark.parametrize("content", [None, b"no capture at all, but text"])
def test_what_cannot_be_judged_is_told_with_its_reason(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / NAME
    if content is not None:
        path.write_bytes(content)
    done = judging().judge(Judge(str(path), NAME, attacks.BAD_TEXT, 0))
    assert isinstance(done, ev.Unjudged)
    assert (done.capture, done.mac, done.quiet) == (NAME, attacks.BAD_TEXT, False)
    assert str(path) in done.reason


def test_a_device_that_only_others_sent_to_is_nobodys_fault(tmp_path: Path) -> None:
    ghost = "0e:00:00:00:00:99"
    done = judging().judge(order(tmp_path, mac=ghost))
    assert done == ev.Unjudged(NAME, ghost, "the device sent nothing", quiet=True)


def test_its_thread_judges_in_order_with_the_models_of_the_moment(tmp_path: Path) -> None:
    inbox, took = Inbox(), list[float]()
    one = judging(inbox, took=took.append)
    one.put(order(tmp_path))
    one.put(Judge(str(tmp_path / "none"), "none", None, 0))
    assert len(one) == 2
    worker = Worker("judging", inbox, one.run)
    worker.start()
    first, second = items(inbox, 2)
    assert isinstance(second, ev.Unjudged)
    one.use(Judges([OTHER], DEFAULTS))
    one.put(order(tmp_path))
    (again,) = items(inbox, 1)
    assert worker.stop(PATIENCE)
    assert len(one) == 0
    assert len(took) == 3
    assert min(took) > 0
    assert first.verdict.role.labels[0] in "ABCD"
    assert again.verdict.role.labels[0] in "EFGH"


def test_a_mistake_of_ours_on_one_capture_does_not_end_the_daemon(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(path: Path, mac: str) -> str:
        raise IndexError(f"{path.name} of {mac}")

    done = judging(names=broken).judge(order(tmp_path))
    assert isinstance(done, ev.Unjudged)
    assert done.reason.startswith("a mistake of Halia's: IndexError(")
    assert not done.quiet
    assert "Traceback" in caplog.text


class Compared:
    """Pasts that only note what they are given."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.ports: list[str | None] = []

    def judged(self, verdict: Verdict, capture: Capture, name: str) -> Verdict:
        assert capture.packets is not None
        self.calls.append(("judged", name))
        return verdict._replace(warnings=("compared",))

    def learn(self, verdict: Verdict, name: str, port: str | None) -> None:
        assert verdict.warnings[:1] == ("compared",)
        self.calls.append(("learned", name))
        self.ports.append(port)


def test_a_device_is_compared_with_its_past_and_learned_when_its_verdict_is_kept(
    tmp_path: Path,
) -> None:
    inbox, pasts = Inbox(), Compared()
    one = judging(inbox, pasts=pasts)
    worker = Worker("judging", inbox, one.run)
    worker.start()
    one.put(order(tmp_path))
    (judged,) = items(inbox, 1)
    assert pasts.calls == [("judged", NAME)]
    one.kept(Announce(NAME, judged.verdict, "sw1 3"))
    one.put(order(tmp_path))
    items(inbox, 1)
    assert pasts.ports == ["sw1 3"]
    assert worker.stop(PATIENCE)
    assert pasts.calls == [("judged", NAME), ("learned", NAME), ("judged", NAME)]


def test_at_the_end_what_was_kept_is_learned_and_what_is_left_is_counted(tmp_path: Path) -> None:
    pasts = Compared()
    one = judging(pasts=pasts)
    judged = one.judge(order(tmp_path))
    assert isinstance(judged, ev.Judged)
    one.put(order(tmp_path))
    one.kept(Announce(NAME, judged.verdict))
    assert one.finish() == 1
    assert pasts.calls[-1] == ("learned", NAME)
    assert one.finish() == 0


def test_without_pasts_nothing_is_learned(tmp_path: Path) -> None:
    one = judging()
    judged = one.judge(order(tmp_path))
    assert isinstance(judged, ev.Judged)
    one.kept(Announce(NAME, judged.verdict))
    one.learn(Announce(NAME, judged.verdict))
    assert len(one) == 0


def test_a_mistake_while_learning_does_not_end_the_daemon(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Compared):
        def learn(self, verdict: Verdict, name: str, port: str | None) -> None:
            raise IndexError(f"{name} of {verdict.mac} at {port}")

    one = judging(pasts=Broken())
    judged = one.judge(order(tmp_path))
    assert isinstance(judged, ev.Judged)
    one.learn(Announce(NAME, judged.verdict))
    assert "Traceback" in caplog.text


def test_a_device_is_compared_with_what_is_usual(tmp_path: Path) -> None:
    one = judging(normal=tiny_normal(min_packets=1))
    found = one.judge(order(tmp_path))
    assert isinstance(found, ev.Judged)
    assert found.verdict.anomaly is not None
    assert found.verdict.anomaly.novelty is not None
    one.use(Judges([NET], DEFAULTS))
    found = one.judge(order(tmp_path))
    assert isinstance(found, ev.Judged)
    assert found.verdict.anomaly is not None
    assert found.verdict.anomaly.novelty is None


def test_a_model_of_flows_that_refuses_costs_one_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugin.ml.flow_model import FlowModel

    path = ROOT / "tests" / "data" / "captures" / "airprint_printer4.pcap"
    models = load_flow_models([f"*={saved_flows(tmp_path)}"])
    one = judging()
    one.use(Judges([NET], DEFAULTS, flows=models))
    asked = Judge(str(path), NAME, "fc:15:b4:ab:2e:fd", 0)
    with monkeypatch.context() as patched:
        for error in (ModelError("does not score"), ZeroDivisionError("our mistake")):

            def refuses(*_: object, error: Exception = error) -> None:
                raise error

            patched.setattr(FlowModel, "score", refuses)
            done = one.judge(asked)
            assert isinstance(done, ev.Unjudged)
            assert str(error) in done.reason
    found = one.judge(asked)
    assert isinstance(found, ev.Judged)
    assert found.verdict.anomaly is not None
    assert (found.verdict.anomaly.verdict, found.verdict.anomaly.behaviour) == ("novel", ())


def test_models_of_flows_are_asked_by_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from plugin.offline import classify

    asked: list[object] = []

    def by_flows(capture: Capture, wanted: Any) -> Any:
        asked.append((wanted.flows, capture.packets is not None))
        return lambda novelty, *_: novelty

    monkeypatch.setattr(classify, "_by_flows", by_flows)
    models: Any = {"*": "a model"}
    one = judging()
    one.use(Judges([NET], DEFAULTS, flows=models))
    assert isinstance(one.judge(order(tmp_path)), ev.Judged)
    assert asked == [(models, True)]
