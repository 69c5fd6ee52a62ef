"""The demo as it is played: which wishes can be shown, and the recorded run."""

from __future__ import annotations

import pytest

from plugin.errors import OptionError
from plugin.lab.bad import KINDS
from plugin.lab.demo import LEAST, LEAST_BAD, Said, Seen, Wishes, check, demo, first_seed, recorded
from plugin.lab.outcome import Outcome
from plugin.ml.behaviour.parameters import BeaconParameters

LASTING = BeaconParameters().lasting


def test_it_takes_as_long_as_there_is_something_to_see() -> None:
    assert Wishes(bad=None).length == LEAST
    assert Wishes().length == LEAST_BAD
    assert Wishes(seconds=600.0).length == 600.0
    assert Wishes(kind="beacon").length == LEAST_BAD + LASTING
    assert Wishes(bad=None, kind="beacon").length == LEAST


def test_a_beacon_takes_its_time_and_without_it_is_refused_with_the_reason() -> None:
    with pytest.raises(OptionError, match=r"regular for 300 s.*needs --for 376s or more") as caught:
        next(demo(Wishes(kind="beacon", seconds=375)))
    assert caught.value.where == "--kind beacon"


def test_the_recorded_run_keeps_every_promise_each_time() -> None:
    first, second = list(recorded()), list(recorded())
    *said, seen, outcome = first
    assert isinstance(outcome, Outcome)
    assert isinstance(seen, Seen)
    assert outcome.failures() == []
    assert (outcome.bad, outcome.live) == ("ben", False)
    assert outcome.named_after is not None
    assert 0 <= outcome.named_after < 5
    about = {
        one.host for one in said if isinstance(one, Said) and one.document["kind"] == "finding"
    }
    assert about == {"ben"}
    assert isinstance(second[-1], Outcome)
    assert second[-1].named_after == outcome.named_after


def test_who_is_not_there_cannot_turn_bad() -> None:
    with pytest.raises(OptionError, match=r"--bad nobody: no such host; known: .*anna"):
        next(demo(Wishes(bad="nobody")))


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        (Wishes(bad="collector"), "--bad collector: no such host"),
        (Wishes(bad="outside"), "--bad outside: no such host"),
        (Wishes(seed=1, kind="brute"), r"in the office of seed 1: whoever fits \(mail\) is behind"),
        (Wishes(seed=3, kind="brute"), "nobody in its VLAN serves imap; choose another --seed"),
        (Wishes(seconds=10.0), "--for 10s: is too short .* at least 76s"),
        (Wishes(seconds=45.0, bad=None), "at least 46s"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_a_network_is_made(
    wishes: Wishes, words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        check(wishes)


def test_the_first_office_in_which_it_can_be_done_is_shown() -> None:
    assert first_seed("ben", "scan") == first_seed(None, "brute") == first_seed("x", "scan") == 1
    assert first_seed("ben", "brute") == 2
    for kind in KINDS:
        seed = first_seed("ben", kind)
        assert check(Wishes(seed, "ben", kind, seconds=400.0)).seed == seed
