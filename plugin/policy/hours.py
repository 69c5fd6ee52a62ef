"""Parts of the week, in local time. Pure: the time is an argument."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from plugin.policy.values import DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plugin.policy.rules import Hours

_WEEK = len(DAYS)


def minute_of_week(now: float) -> tuple[int, int]:
    """Give the day (0 is Monday) and the minute of the day, in local time.

    Args:
        now: seconds since 1970-01-01 UTC.
    """
    local = datetime.fromtimestamp(now).astimezone()
    return local.weekday(), local.hour * 60 + local.minute


def within(hours: Iterable[Hours], now: float) -> bool:
    """Whether a moment lies in any of the parts of the week.

    Args:
        hours: none: never.
        now: seconds since 1970-01-01 UTC.
    """
    return holds(hours, *minute_of_week(now))


def holds(hours: Iterable[Hours], day: int, minute: int) -> bool:
    """Whether a minute of a day lies in any of the parts of the week."""
    return any(_holds(one, day, minute) for one in hours)


def _holds(one: Hours, day: int, minute: int) -> bool:
    if one.begin < one.end:
        return day in one.days and one.begin <= minute < one.end
    # Over midnight: the day that counts is that on which it began.
    began_today = day in one.days and minute >= one.begin
    return began_today or ((day - 1) % _WEEK in one.days and minute < one.end)


def words(hours: Iterable[Hours]) -> str:
    """Write parts of the week for people: ``sat, sun 22:00-04:00``."""
    return "; ".join(
        f"{_days(one)} {one.begin // 60:02}:{one.begin % 60:02}"
        f"-{one.end // 60:02}:{one.end % 60:02}"
        for one in hours
    )


def _days(one: Hours) -> str:
    if len(one.days) == _WEEK:
        return "every day"
    return ", ".join(DAYS[day] for day in sorted(one.days))
