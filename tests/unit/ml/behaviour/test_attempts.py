"""When an opened session has failed."""

from __future__ import annotations

from plugin.ml.behaviour.attempts import Attempts
from plugin.ml.behaviour.finding import SECOND
from plugin.ml.behaviour.parameters import AttemptParameters
from plugin.traffic import Answered, Closed, Counted, Opened

IP = bytes(16)


def opened(session: int, seconds: float) -> Opened:
    return Opened(round(seconds * SECOND), session, "m", 6, IP, IP, 1, 2)


def later(seconds: float) -> Counted:
    return Counted(round(seconds * SECOND), "m", IP, "udp", 1)


def attempts(**changed: float) -> Attempts:
    return Attempts(AttemptParameters(**{"grace": 3.0, **changed}))  # type: ignore[arg-type] # floats do


def test_what_is_answered_in_time_has_not_failed() -> None:
    a, first = attempts(), opened(1, 0)
    assert list(a.step(first)) == []
    answer = Answered(SECOND, first, refused=False)
    assert list(a.step(answer)) == [answer]
    assert list(a.step(later(60))) == []


def test_a_refusal_fails_at_once_and_silence_after_the_grace() -> None:
    a, first, second = attempts(), opened(1, 0), opened(2, 0.5)
    assert list(a.step(first)) == list(a.step(second)) == []
    refusal = Answered(SECOND, first, refused=True)
    assert list(a.step(refusal)) == [refusal, first]
    assert list(a.step(later(3.5))) == []
    assert list(a.step(later(3.6))) == [second]
    assert list(a.step(later(9))) == []


def test_an_answer_after_the_grace_comes_too_late_though_nothing_passed_meanwhile() -> None:
    for seconds, failed in ((2.9, False), (3.1, True)):
        a, first = attempts(), opened(1, 0)
        assert list(a.step(first)) == []
        late = Answered(round(seconds * SECOND), first, refused=False)
        assert list(a.step(late)) == ([first, late] if failed else [late])


def test_a_session_that_ends_without_an_answer_has_failed() -> None:
    a, first, second = attempts(), opened(1, 0), opened(2, 0)
    assert list(a.step(first)) == list(a.step(second)) == []
    assert list(a.step(Closed(1, 1, first, 3, 0, 0, 0))) == [first]
    assert list(a.step(Closed(1, 2, second, 3, 1, 0, 0))) == []


def test_the_oldest_of_too_many_fail() -> None:
    a = attempts(waiting=2)
    found = [failed for n in range(4) for failed in a.step(opened(n, n / 100))]
    assert found == [opened(0, 0), opened(1, 0.01)]


def test_what_failed_before_an_answer_is_told_before_it() -> None:
    a, first, second = attempts(), opened(1, 0), opened(2, 2)
    assert list(a.step(first)) == list(a.step(second)) == []
    answer = Answered(4 * SECOND, second, refused=False)
    assert list(a.step(answer)) == [first, answer]
