"""Orders: whom they hit, and how far they have come."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.cli import ordering
from plugin.control.asks import REASON_MAX
from plugin.errors import DeniedError, PeerError
from tests.services import GHOST, LAPTOP, NOW, PRINTER, case, device, office


def test_the_bound_of_a_reason_is_the_protocols() -> None:
    assert ordering.REASON_MAX == REASON_MAX


def test_who_is_meant() -> None:
    gone = case(1, "02:00:00:00:00:77", addresses=["10.0.0.77", "10.0.0.11"])
    assert ordering.meant("ann-laptop", office()) == LAPTOP
    assert ordering.meant("10.0.0.77", office(), [gone]) == gone["mac"]
    assert ordering.meant("10.0.0.9", office(), [gone]) is None
    with pytest.raises(DeniedError, match=r"could be any of 3"):
        ordering.meant("10.0.0.11", [*office(), device("02:00:00:00:00:78")], [gone])


def test_a_known_device_counts_as_it_is_now_not_as_its_case_knew_it() -> None:
    assert ordering.meant("10.0.0.99", office(), [case(1, addresses=["10.0.0.99"])]) is None


def test_who_it_is() -> None:
    beside = [device("02:00:00:00:00:81"), device("02:00:00:00:00:82")]
    lines = ordering.who(PRINTER, [*office(), *beside])
    assert "Printer" in lines[1]
    assert "Brother" in lines[2]
    assert lines[-1].endswith("switch sw1, port 1, VLAN 100; 2 other devices there")
    assert ordering.who(LAPTOP, office())[-1].endswith("nobody else there")
    assert "made-up MAC address" in ordering.who(LAPTOP, office())[2]
    assert ordering.who("02:00:00:00:00:99", office()) == ["02:00:00:00:00:99: not known now"]
    nowhere = device(GHOST, dp=None, port=None, name="\x1b[2J")
    assert ordering.who(GHOST, [nowhere])[-1].endswith("not told by Faucet")
    assert all(line.isprintable() for line in ordering.who(GHOST, [nowhere]))


@pytest.mark.parametrize(
    ("fields", "settled", "code"),
    [
        ({"state": "releasing"}, False, 3),
        ({"state": "released"}, True, 0),
        ({"state": "over"}, True, 0),
        ({"state": "isolating"}, True, 4),
    ],
)
def test_how_far_a_release_has_come(
    fields: dict[str, Any], settled: bool, code: int
) -> None:  # a parameter of the test
    found = ordering.release_reached(frozenset({1}), [case(1, **fields), case(2)], read=True)
    assert (found.settled, found.code) == (settled, code)
    assert ("proven" in found.words) == (code == 0)


def test_a_release_is_called_proven_only_where_switches_are_read() -> None:
    read = ordering.release_reached(frozenset({1}), [], read=True)
    unread = ordering.release_reached(frozenset({1}), [], read=False)
    assert read.words.startswith("released; proven")
    assert unread.words.startswith("released; not proven")
    assert (read.code, unread.code) == (0, 0)


def test_the_wait_ends_at_its_time_or_when_it_is_settled() -> None:
    looks = iter([[case(1, state="isolating", proof="written")]] * 2 + [[case(1)]] * 9)

    def judge(cases: list[dict[str, Any]]) -> ordering.Reached:
        return ordering.isolation_reached(1, cases)

    reached, cases = ordering.wait(lambda: next(looks), judge, 30)
    assert (reached.settled, cases[0]["state"]) == (True, "isolated")
    reached, _ = ordering.wait(lambda: [case(1, state="isolating", proof="none")], judge, 0)
    assert (reached.settled, reached.code) == (False, 3)


def test_a_daemon_that_goes_away_leaves_the_order_told() -> None:
    def away() -> list[dict[str, Any]]:
        raise PeerError("no Halia runs here", where="/run/halia.sock")

    with pytest.raises(PeerError, match="it was ordered, and how far it came is not known"):
        ordering.wait(away, lambda _: ordering.Reached(settled=True, code=0, words=""), 1)


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({"until": None}, "until released"),
        ({"until": NOW + 1e9}, "ends in"),
        ({"state": "over", "deadline": None}, "quarantine"),
    ],
)
def test_a_case_as_a_line(fields: dict[str, Any], end: str) -> None:
    words = ordering.step_line(case(4, **fields))
    assert words.startswith(f"case 4  {LAPTOP}  ")
    assert end in words.split("  ")[-1]
