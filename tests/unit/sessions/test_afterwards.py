"""Events made of session records are those of the stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from plugin.core import new_engine
from plugin.sessions import afterwards
from plugin.sessions.afterwards import arp_events, counted, session_events
from plugin.sessions.live import LiveSessions
from plugin.sessions.watch import Watching
from plugin.traffic import Answered, Arp, Counted, Event, Opened
from tests import attacks
from tests import frames as f
from tests.engines import make, run

if TYPE_CHECKING:
    from collections.abc import Sequence

CASES = {
    "a talk": attacks.visits(3),
    "refused": attacks.vertical(3),
    "silent": attacks.horizontal(3),
    "answer first": [attacks.told(0.1, f.IP_B, 5, 80, f.SYN | f.ACK)],
    "from before": [
        attacks.asked(0, f.IP_B, 5, 80, f.ACK),
        attacks.told(5, f.IP_B, 5, 80, f.ACK),
        attacks.told(6, f.IP_B, 5, 80, f.RST),
    ],
    "guesses": attacks.guesses(5),
    "claims": attacks.poisoning(),
    "pings": attacks.icmp_flood(3),
}


def both(packets: Sequence[f.Frame]) -> tuple[list[Event], list[Event]]:
    result = run(make(type(new_engine())), f.pcap(*packets))
    names = [row["mac"].tobytes().hex(":") for row in result.mac_rows()]
    rows, sessions = result.packet_rows(), result.session_rows()
    live = LiveSessions(names.__getitem__).packets(rows)
    sessions = sessions[sessions["orig_mac"] >= 0]
    made: list[Event] = [*session_events(sessions, names.__getitem__)]
    seen = Watching().take(rows)
    made += counted(seen.seconds, names.__getitem__)
    made += arp_events(seen.arp, names.__getitem__)
    kinds = (Opened, Answered, Counted, Arp)
    return made, [event for event in live if isinstance(event, kinds)]


@pytest.mark.usefixtures("core")
@pytest.mark.parametrize("case", CASES)
def test_events_are_those_of_the_stream(case: str) -> None:
    made, live = both(CASES[case])
    assert made
    assert sorted(made, key=repr) == sorted(live, key=repr)


def test_they_come_in_order_of_time_whatever_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(make(type(new_engine())), f.pcap(*attacks.visits(50)))
    sessions = result.session_rows()
    whole = list(session_events(sessions, str))
    assert [event.time for event in whole] == sorted(event.time for event in whole)
    monkeypatch.setattr(afterwards, "_BLOCK", 7)
    assert list(session_events(sessions, str)) == whole
    assert list(session_events(sessions[np.zeros(len(sessions), np.bool_)], str)) == []


def test_what_goes_on_is_not_fresh() -> None:
    (opened, *_) = both(CASES["from before"])[0]
    assert isinstance(opened, Opened)
    assert not opened.fresh
    for case in ("a talk", "answer first", "pings"):
        openings = [event for event in both(CASES[case])[0] if isinstance(event, Opened)]
        assert all(event.fresh for event in openings)


def test_an_acknowledged_session_was_answered_though_nobody_saw_it() -> None:
    packets = [attacks.asked(i, f.IP_B, 5, 80, flags) for i, flags in enumerate((f.SYN, f.ACK))]
    result = run(make(type(new_engine())), f.pcap(*packets))
    became = afterwards.outcome(result.session_rows())
    assert (became.answered.tolist(), became.refused.tolist()) == ([True], [False])
