"""How the parts of a run are, in documents and in figures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pika
import pytest

from plugin.app import compose
from plugin.app.capturing import Capturing
from plugin.app.health import Health, Sending
from plugin.app.hooking import Hooking
from plugin.app.inbox import Inbox
from plugin.app.judging import Judging
from plugin.app.keeping import Keeper, Sayable
from plugin.app.projecting import Projecting
from plugin.app.watching import Watching
from plugin.audit.journal import Journal
from plugin.broker.message import Message
from plugin.broker.rabbitmq import Publisher
from plugin.broker.spool import Spool
from plugin.capture.live import Counters
from plugin.engine.commands import Judge
from plugin.faucet.hook import NOTHING
from plugin.faucet.mirror import MirrorPlan, MirrorSettings
from plugin.metrics import Metrics
from plugin.notices.notices import Notices
from plugin.notices.post import Post
from plugin.offline.classify import DEFAULTS
from plugin.offline.judges import Judges
from tests.apps import settings
from tests.cases import step
from tests.rabbit import free_ports
from tests.unit.notices.test_post import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal") as one:
        yield one


def health(
    folder: Path,
    journal: Journal,
    spool: Spool | None = None,
    *channels: Channel,
    probe: str | None = None,
) -> Health:
    found, inbox = settings(folder, capture__iface="mirror0", faucet__probe=probe), Inbox()
    watching = Watching(DEFAULTS, inbox)
    sending = None
    if spool is not None:
        parameters = pika.ConnectionParameters("127.0.0.1", free_ports(1)[0])
        sending = Sending("mq:5672", Publisher(parameters, spool, told=lambda _: None), spool)
    return Health(
        Capturing(
            compose.capture_order(found),
            lambda: compose.trace_files(found, lambda _: None),
            inbox,
            watching,
        ),
        watching,
        Judging(Judges([], DEFAULTS), inbox),
        Projecting(folder / "state.sqlite", folder / "journal", inbox),
        Keeper(journal, None, lambda _: None),
        journal,
        sending,
        Hooking(compose.ways(found), MirrorSettings, inbox, list),
        Notices([Post(one, 60.0, lambda _: None) for one in channels], ("isolated",), ()),
    )


def counters(**fields: int) -> Counters:
    return Counters(**(dict.fromkeys(Counters._fields, 0) | fields))


def test_parts_that_wait_or_have_troubles_say_so(tmp_path: Path, journal: Journal) -> None:
    one = health(tmp_path, journal)
    journal.append(time=1.0, kind="started", actor="halia", body={})
    one.keeper.say(Sayable(1.0, "verdict", {}))
    one.judging.put(Judge("p", "c", None, 0))
    one.capturing.problem = "mirror0 has gone"
    one.projecting.problem = "no such host"
    one.watching.left_out = 7
    parts: dict[str, Any] = one.parts()
    assert json.loads(json.dumps(parts)) == parts
    assert parts["capture"]["iface"] == "mirror0"
    assert (parts["capture"]["connected"], parts["capture"]["problem"]) == (
        False, "mirror0 has gone"
    )  # fmt: skip
    assert parts["capture"]["behaviours_left_out_bytes"] == 7
    assert "frames" not in parts["capture"]
    assert parts["judge"]["waiting"] == 1
    assert (parts["journal"]["entries"], parts["journal"]["waiting"]) == (1, 1)
    assert parts["store"] == {"connected": False, "problem": "no such host"}
    assert parts["broker"] is None
    assert parts["notices"] is None
    assert (parts["probe"], parts["mirror"]) == (None, None)


def test_the_captures_counters_are_told_when_there_are_any(
    tmp_path: Path, journal: Journal
) -> None:
    one = health(tmp_path, journal)
    one.capturing.counters = counters(frames=5, kernel_drops=2, finished_files=9)
    one.capturing.sizes = (1, 2, 4096)
    one.capturing.reader = "ring"
    capture = one.parts()["capture"]
    assert (capture["frames"], capture["kernel_drops"], capture["connected"]) == (5, 2, True)
    assert (capture["open_files"], capture["kept_files"], capture["finished_files"]) == (1, 2, 9)
    assert capture["bytes_on_disk"] == 4096


def test_what_waits_for_the_broker_is_told(tmp_path: Path, journal: Journal) -> None:
    with Spool(tmp_path / "spool", max_bytes=150) as spool:
        one = health(tmp_path, journal, spool)
        assert one.sending is not None
        one.sending.publisher.publish(Message("e", "k", "1", b"x" * 40))
        broker = one.parts()["broker"]
        assert broker == {
            "address": "mq:5672", "connected": False, "waiting": 1, "problem": None
        }  # fmt: skip


def test_the_mirror_is_told_once_it_was_planned(tmp_path: Path, journal: Journal) -> None:
    one = health(tmp_path, journal)
    one.hooking._proving.problem = "no switch answers"
    one.hooking.plan = MirrorPlan(
        mirrored=(),
        uncovered={"a": "no mirror"},
        waiting=frozenset("bc"),
        ignored=frozenset("def"),
        problems=(),
        stages=NOTHING,
        load=1e6,
    )
    parts = one.parts()
    assert parts["probe"] == {
        "connected": False, "address": None, "switches": 0, "problem": "no switch answers"
    }  # fmt: skip
    assert parts["mirror"] == {
        "mirrored": 0, "uncovered": 1, "waiting": 2, "ignored": 3, "load": 1e6, "problem": None
    }  # fmt: skip


def test_a_probe_that_works_is_told_with_the_switches_that_call_it(
    tmp_path: Path, journal: Journal
) -> None:
    one = health(tmp_path, journal, probe="127.0.0.1:6654")
    told = {"connected": True, "address": "127.0.0.1:6654", "switches": 0, "problem": None}
    assert one.parts()["probe"] == told
    one.hooking._proving._called = 2
    assert one.parts()["probe"] == told | {"switches": 2}


def figure(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(f"halia_{name}")


def test_figures_are_those_of_the_parts(tmp_path: Path, journal: Journal) -> None:
    metrics = Metrics(core="c")
    with Spool(tmp_path / "spool", max_bytes=1 << 20) as spool:
        one = health(tmp_path, journal, spool)
        assert one.sending is not None
        one.sending.publisher.publish(Message("e", "k", "1", b"x" * 40))
        one.judging.put(Judge("p", "c", None, 0))
        journal.append(time=1.0, kind="started", actor="halia", body={})
        one.measure(metrics)
        assert figure(metrics, "capture_frames_total") is None  # nothing was captured yet
        assert (figure(metrics, "judge_queue"), figure(metrics, "journal_entries_total")) == (1, 1)
        assert figure(metrics, "broker_waiting") == 1
        assert figure(metrics, "spool_bytes") == spool.bytes > 0
        one.capturing.counters = counters(frames=5, kernel_drops=2)
        one.measure(metrics)
    assert figure(metrics, "capture_frames_total") == 5
    assert figure(metrics, "capture_kernel_drops_total") == 2


def test_notices_are_told_and_measured(tmp_path: Path, journal: Journal) -> None:
    metrics = Metrics(core="c")
    one = health(tmp_path, journal, None, Channel())
    one.notices.decided(step())
    one.measure(metrics)
    assert one.parts()["notices"] == {
        "test": {"sent": 0, "waiting": 1, "lost": 0}, "problem": None
    }  # fmt: skip
    found = metrics.registry.get_sample_value
    assert found("halia_notices_waiting", {"channel": "test"}) == 1
    assert found("halia_notices_lost_total", {"channel": "test"}) == 0


def test_without_a_broker_there_are_no_figures_of_one(tmp_path: Path, journal: Journal) -> None:
    metrics = Metrics(core="c")
    health(tmp_path, journal).measure(metrics)
    assert figure(metrics, "broker_waiting") is None
    assert figure(metrics, "journal_entries_total") == 0
