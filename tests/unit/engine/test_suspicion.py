"""What was found while it happened: noted, placed, told in the verdict, forgotten in time."""

from __future__ import annotations

from plugin.engine import suspicion
from plugin.engine.view import Tracked
from plugin.ml.verdict import Anomaly
from tests.playbook import START, A, found, verdict


def tracked() -> Tracked:
    return Tracked(mac=A, first_seen=START, last_seen=START)


def test_of_each_behaviour_the_last_counts_and_their_number_is_bounded() -> None:
    one = tracked()
    for after in (1, 2):
        suspicion.sight(one, found(after=after))
    assert [s.time for s in one.sighted] == [found(after=2).time]
    for number in range(40):
        suspicion.sight(one, found(name=f"b{number}"))
    assert len(one.sighted) == 16


def test_only_what_was_found_in_a_capture_goes_into_its_verdict_and_once() -> None:
    one = tracked()
    suspicion.sight(one, found())
    assert suspicion.completed(verdict(), one, "a.pcap") == verdict()
    suspicion.place(one, found(), "a.pcap")
    told = suspicion.completed(verdict(), one, "a.pcap")
    assert told.anomaly == Anomaly("anomalous", None, None, (found().finding,))
    assert suspicion.completed(told, one, "a.pcap") == told
    assert suspicion.completed(verdict(), one, "b.pcap") == verdict()


def test_what_was_found_live_leaves_novelty_and_change_as_they_are() -> None:
    new, other = (found(name=name).finding for name in ("novelty", "change"))
    one = tracked()
    suspicion.sight(one, found())
    suspicion.place(one, found(), "a.pcap")
    before = verdict()._replace(anomaly=Anomaly("changed", new, other))
    told = suspicion.completed(before, one, "a.pcap")
    assert told.anomaly == Anomaly("anomalous", new, other, (found().finding,))


def test_a_finding_is_forgotten_after_ten_minutes() -> None:
    one = tracked()
    suspicion.sight(one, found(after=0))
    assert not suspicion.forget(one, START + 599)
    assert suspicion.forget(one, START + 600)
    assert one.sighted == []
    assert not suspicion.forget(one, START + 601)


def test_a_finding_of_a_time_to_come_does_not_count() -> None:
    one = tracked()
    suspicion.sight(one, found(after=100))
    (seen,) = one.sighted
    assert [suspicion.counts(seen, START + at) for at in (94, 95, 699, 700)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert suspicion.forget(one, START)
    assert one.sighted == []
