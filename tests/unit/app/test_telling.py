"""Watchers, standard output, the log and the figures all hear the same."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from plugin.app.telling import Telling
from plugin.control.client import stream
from plugin.control.protocol import Request
from plugin.engine import Engine
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.events import FeedGap, Garbage
from plugin.metrics import Metrics
from plugin.notices.notices import Notices
from plugin.notices.post import Post
from plugin.policy.decision import decision_document
from tests.apps import PATIENCE
from tests.cases import step
from tests.playbook import (
    PORTS,
    SCANNERS,
    SECOND,
    START,
    A,
    B,
    found,
    learned,
    play,
    policy,
    role,
    verdict,
)
from tests.services import Office, open_folder, serving
from tests.unit.notices.test_post import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping


class Told:
    """A telling with everything that can hear it."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.metrics = Metrics(core="c", most=10)
        self.said: list[Mapping[str, Any]] = []
        self.log = logging.getLogger("halia.test.telling")
        self.notices = Notices(
            [Post(Channel(), 60.0, lambda _: None)], ("isolated",), ("caps", "proof")
        )
        self.telling = Telling(
            self.engine,
            self.said.append,
            self.metrics,
            log=self.log,
            notices=self.notices,
            clock=lambda: START,
        )

    def figure(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"halia_{name}", labels)


@pytest.fixture
def told() -> Told:
    return Told()


def test_verdicts_and_findings_are_said_and_counted(told: Told) -> None:
    told.engine.step(learned(), START)
    told.telling.spoken(do.Announce("t", verdict()))
    told.telling.spoken(do.Announce("t", verdict(mac=None)))
    told.telling.spoken(do.AnnounceFinding(A, (), "t", role(), found()))
    assert [one["kind"] for one in told.said] == ["capture", "capture", "finding"]
    assert told.figure("device_verdicts_total", mac=A) == 1
    assert told.figure("device_role_confidence", mac=A) == pytest.approx(0.9)
    assert told.figure("device_findings_total", mac=A) == 1


def test_a_kept_decision_is_told_like_all_others(told: Told) -> None:
    told.telling.spoken(do.AnnounceDecision(step()))
    assert told.said == [decision_document(step())]


def test_how_many_are_isolated_and_whether_caps_stopped_it(told: Told) -> None:
    def figures() -> tuple[float | None, float | None]:
        told.telling.count()
        return told.figure("isolated_devices"), told.figure("caps_frozen")

    assert figures() == (0, 0)
    rules = policy(SCANNERS, head="caps: {devices: 1}")
    play(
        told.engine, (0, ev.PolicyRead(rules)), (0, PORTS), (0, learned()),
        (0, learned(B, port=2)), (0, ev.CaptureOpened(A, "a")), (0, ev.CaptureOpened(B, "b")),
        (1, ev.Behaved(found(after=1))),
    )  # fmt: skip
    assert figures() == (1, 0)
    play(told.engine, (2, ev.Behaved(found(B, after=2))))
    assert figures() == (1, 1)


def test_an_alarm_is_said_and_logged(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, told.log.name):
        told.telling.spoken(do.Alarm("twice", A, "two places"))
        told.telling.spoken(do.Alarm("feed_gap", None, "3 events were lost"))
    assert told.said[0] == {
        "kind": "alarm", "time": START, "alarm": "twice", "mac": A, "text": "two places"
    }  # fmt: skip
    assert [record.getMessage() for record in caplog.records] == [
        "two places", "3 events were lost"
    ]  # fmt: skip
    assert [getattr(record, "mac", None) for record in caplog.records] == [A, None]
    assert [getattr(record, "kind", None) for record in caplog.records] == ["twice", "feed_gap"]


def test_a_decision_is_said_counted_and_noticed(told: Told) -> None:
    told.telling.decided(step())
    told.telling.decided(step("released", "releasing"))
    assert told.said == [
        decision_document(step()),
        decision_document(step("released", "releasing")),
    ]
    assert told.figure("decisions_total", state="isolated") == 1
    assert told.figure("decisions_total", state="released") == 1
    assert told.notices.posts[0].count().waiting == 1


def test_alarms_that_are_asked_for_are_noticed(told: Told) -> None:
    told.telling.spoken(do.Alarm("caps", None, "no more"))
    told.telling.spoken(do.Alarm("feed_gap", None, "3 events were lost"))
    assert told.notices.posts[0].count().waiting == 1


def test_what_comes_is_counted(told: Told) -> None:
    told.telling.took(learned())
    told.telling.took(FeedGap(missed=3, before=9))
    told.telling.took(Garbage(reason="no JSON", sample="x"))
    assert told.figure("feed_items_total", kind="device_learned") == 1
    assert told.figure("feed_missed_total") == 3
    assert told.figure("feed_garbage_total") == 1


def test_a_device_that_goes_takes_its_figures_along(told: Told) -> None:
    play(told.engine, (0, learned()))
    told.telling.took(ev.CaptureSeen(((A, int(START * SECOND)),)))
    told.telling.spoken(do.Announce("t", verdict()))
    told.telling.spoken(do.AnnounceFinding(A, (), "t", None, found()))
    assert told.figure("device_last_seen_seconds", mac=A) == pytest.approx(START)
    told.telling.forget(A)
    for name in ("verdicts_total", "findings_total", "last_seen_seconds", "role_confidence"):
        assert told.figure(f"device_{name}", mac=A) is None
    assert told.figure("verdicts_total") == 1


def test_a_device_that_nobody_keeps_gets_no_figures_that_would_never_go(told: Told) -> None:
    play(told.engine, (0, learned(A)))
    told.telling.took(ev.CaptureSeen(((A, 1), (B, 1))))
    assert told.figure("device_last_seen_seconds", mac=A) is not None
    assert told.figure("device_last_seen_seconds", mac=B) is None


def test_devices_are_counted_by_state_those_with_none_too(told: Told) -> None:
    play(told.engine, (0, learned(A)), (0, ev.Judged("t", verdict(B), None)))
    told.telling.count()
    assert told.figure("devices", state="unknown") == 1
    assert told.figure("devices", state="ok") == 1
    assert told.figure("devices", state="suspect") == 0


def test_without_figures_and_watchers_nothing_is_missed() -> None:
    said: list[Mapping[str, Any]] = []
    telling = Telling(Engine(), said.append)
    telling.took(learned())
    telling.show(A)
    telling.forget(A)
    telling.count()
    telling.spoken(do.Announce("t", verdict()))
    telling.spoken(do.Alarm("twice", A, "text"))
    telling.decided(step())
    assert [one["kind"] for one in said] == ["capture", "alarm", "decision"]
    assert said[1]["time"] > START - 1e9


def test_watchers_hear_of_changes_alarms_and_departures(told: Told) -> None:
    with open_folder() as folder, serving(folder / "halia.sock", Office([])) as server:
        told.telling.server = server
        told.telling.show(A)  # nobody watches: nothing happens
        events = stream(folder / "halia.sock", Request(ask="watch"), PATIENCE)
        assert next(events)["event"] == "current"
        play(told.engine, (0, learned()))
        told.telling.show(A)
        told.telling.show(B)  # it has gone meanwhile
        told.telling.spoken(do.Alarm("twice", A, "two places"))
        told.telling.forget(A)
        told.telling.decided(step())
        heard = [next(events) for _ in range(4)]
    assert heard[0]["device"]["state"] == "unknown"
    assert (heard[1]["alarm"], heard[1]["time"], heard[1]["mac"]) == ("twice", START, A)
    assert heard[2]["device"] == {"mac": A, "state": "gone"}
    assert heard[3] == {"event": "decision", "decision": decision_document(step())}
