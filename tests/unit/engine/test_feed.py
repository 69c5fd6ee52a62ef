"""Faucet's feed comes, breaks, skips: what is asked and what is told."""

from __future__ import annotations

from plugin import events as faucet
from plugin.engine import Engine, Options
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.engine.feed import FeedState, step, tick
from plugin.faucet.prometheus import Learned, Snapshot
from tests.playbook import HEAD, START, A, B, learned, play

OPENED = faucet.FeedOpened(source="sock")
CLOSED = faucet.FeedClosed(source="sock", reason="gone")


def page(*places: Learned) -> ev.Resynced:
    return ev.Resynced(
        Snapshot(
            learned=places, ports=(), datapaths=(), files=(), config_error="", applied=1.0,
            event_id=9,
        )
    )  # fmt: skip


def alarms(commands: list[do.Command]) -> list[str]:
    return [c.kind for c in commands if isinstance(c, do.Alarm)]


def test_the_page_is_asked_when_the_feed_opens_and_once_at_a_time() -> None:
    engine = Engine()
    commands = play(engine, (0, OPENED), (0, faucet.FeedGap(missed=3, before=9)))
    assert [c for c in commands if isinstance(c, do.Resync)] == [do.Resync()]
    play(engine, (1, page()))
    assert do.Resync() in play(engine, (2, faucet.FaucetRestarted(last=9)))


def test_a_page_that_does_not_answer_is_asked_again_later() -> None:
    engine = Engine()
    play(engine, (0, OPENED))
    failed = play(engine, (1, ev.ResyncFailed("refused")))
    assert alarms(failed) == ["page"]
    assert do.Resync() not in play(engine, (3, ev.Tick()))
    assert do.Resync() in play(engine, (7, ev.Tick()))
    assert do.Resync() not in play(engine, (8, ev.Tick()))


def test_without_a_page_a_gap_is_only_told() -> None:
    engine = Engine(Options(page=False))
    gap = faucet.FeedGap(missed=3, before=9)
    commands = play(engine, (0, OPENED), (0, learned()), (1, gap))
    assert do.Resync() not in commands
    assert alarms(commands) == ["feed_gap"]
    assert engine.feed.missed == 3


def test_what_the_page_knows_is_learned_and_what_it_does_not_is_unlearned() -> None:
    engine = Engine()
    play(engine, (0, learned()), (0, learned(B, port=2)))
    play(
        engine,
        (50, page(Learned(1, "sw1", A, 100, 1), Learned(1, "sw1", "02:00:00:00:00:0c", 100, 3))),
    )
    stayed, left = engine.registry.get(A), engine.registry.get(B)
    fresh = engine.registry.get("02:00:00:00:00:0c")
    assert stayed is not None
    assert left is not None
    assert fresh is not None
    assert (stayed.learned, stayed.last_seen) == (True, START)  # the page does not say when
    assert left.learned is False
    assert fresh.location.port == 3


def test_why_there_is_no_feed_is_told_and_shown() -> None:
    engine = Engine()
    why = "/run/event.sock: Permission denied"
    play(engine, (0, faucet.FeedClosed(source="s", reason=why)))
    assert (engine.feed.open, engine.feed.reason) == (False, why)
    commands = play(engine, (11, ev.Tick()))
    assert [c.text.endswith(f"({why})") for c in commands if isinstance(c, do.Alarm)] == [True]
    play(engine, (12, OPENED))
    assert engine.feed.reason is None


def test_a_feed_that_is_away_for_long_is_told_and_its_return_too() -> None:
    engine = Engine()
    play(engine, (0, OPENED), (1, CLOSED))
    assert alarms(play(engine, (9, ev.Tick()))) == []
    assert alarms(play(engine, (10, CLOSED), (12, ev.Tick()), (13, ev.Tick()))) == ["feed_down"]
    assert alarms(play(engine, (20, OPENED), (21, ev.Tick()))) == []
    assert alarms(play(engine, (23, ev.Tick()), (24, ev.Tick()))) == ["feed_up"]
    again = play(engine, (30, CLOSED), (41, ev.Tick()), (42, OPENED), (42, learned(after=42)))
    assert alarms(again) == ["feed_down", "feed_up"]  # an event proves it at once


def test_what_was_before_we_came_is_no_loss() -> None:
    engine = Engine()
    first = play(engine, (0, faucet.FeedGap(missed=58, before=59)), (0, learned()))
    assert alarms(first) == []
    assert do.Resync() in first
    assert (engine.feed.gaps, engine.feed.missed) == (0, 0)
    assert alarms(play(engine, (1, faucet.FeedGap(missed=2, before=62)))) == ["feed_gap"]


def test_a_feed_that_never_comes_is_told() -> None:
    engine = Engine()
    assert alarms(play(engine, (0, ev.Tick()), (9, ev.Tick()))) == []
    (alarm, _) = play(engine, (10, ev.Tick()), (11, ev.Tick()))
    assert isinstance(alarm, do.Alarm)
    assert alarm.kind == "feed_down"
    assert "another reader" not in alarm.text
    quiet = Engine(Options(feed=False))
    assert play(quiet, (0, ev.Tick()), (50, ev.Tick())) == []


def test_a_feed_that_turns_us_away_is_told_with_the_reason() -> None:
    engine = Engine()
    flaps = [(n, event) for n in range(0, 12, 2) for event in (OPENED, CLOSED)]
    said = play(engine, *flaps, (12, ev.Tick()))
    (alarm,) = [one for one in said if isinstance(one, do.Alarm)]
    assert alarm.kind == "feed_down"
    assert "Faucet still holds another reader" in alarm.text


def test_why_the_page_cannot_be_read_is_kept_until_it_can() -> None:
    engine = Engine()
    play(engine, (0, OPENED), (1, ev.ResyncFailed("refused")))
    assert engine.feed.page_problem == "refused"
    play(engine, (7, ev.Tick()), (8, page()))
    assert engine.feed.page_problem is None


def test_a_quick_return_is_not_told() -> None:
    engine = Engine()
    assert alarms(play(engine, (0, OPENED), (1, CLOSED), (5, OPENED), (30, ev.Tick()))) == []


def test_a_switch_that_is_away_for_long_is_told_and_its_return_too() -> None:
    engine = Engine()
    left = faucet.DatapathChanged(**HEAD, time=START, reason="disconnect")
    back = faucet.DatapathChanged(**HEAD, time=START, reason="cold_start")
    assert alarms(play(engine, (0, OPENED), (1, left), (2, left), (9, ev.Tick()))) == []
    assert alarms(play(engine, (11, ev.Tick()))) == ["switch_down"]
    assert alarms(play(engine, (12, ev.Tick()))) == []
    assert alarms(play(engine, (20, back), (21, back))) == ["switch_up"]
    assert alarms(play(engine, (30, left), (40, ev.Tick()))) == ["switch_down"]


def test_what_faucet_says_of_itself() -> None:
    state = FeedState()
    refused = faucet.ConfigRefused(**HEAD, time=1.0, error="no such VLAN")
    state, commands = step(state, refused, 1.0, page=True)
    assert alarms(commands) == ["config_refused"]
    assert state.refused == "no such VLAN"
    loaded = faucet.ConfigLoaded(**HEAD, time=1.0, files=())
    state, _ = step(state, loaded, 2.0, page=True)
    assert state.refused is None
    left = faucet.DatapathChanged(**HEAD, time=1.0, reason="disconnect")
    state, commands = step(state, left, 3.0, page=True)
    assert (commands, state.down_switches) == ([], (("sw1", 3.0),))
    back = faucet.DatapathChanged(**HEAD, time=1.0, reason="cold_start")
    state, commands = step(state, back, 4.0, page=True)
    assert (commands, state.down_switches) == ([], ())
    state, _ = step(state, faucet.Garbage(reason="torn", sample="{"), 5.0, page=True)
    assert (state.garbage, state.events) == (1, 4)
    assert tick(state, 1e9, feed=False) == (state, [])


def test_why_no_event_comes_is_told() -> None:
    engine = Engine()
    shut = faucet.FeedClosed(source="sock", reason="sock: Permission denied")
    told = play(engine, (0, ev.Tick()), (1, shut), (12, ev.Tick()))
    (alarm,) = (one for one in told if isinstance(one, do.Alarm))
    assert alarm.text.endswith("are not noticed (sock: Permission denied)")
    assert engine.feed.reason == "sock: Permission denied"
    play(engine, (13, OPENED))
    assert engine.feed.reason is None
