"""What was found of a device while it happened: how long it counts, and into which verdict it goes.

A capture of one device lacks what detectors of the whole stream see: the owner of an address that
somebody claims, five minutes of a beacon's calls. So what they found while it was written goes into
its verdict too, and a device stays suspect for some time after the last finding, whatever the
captures of that time show: detectors tell an episode that lasts again only every few minutes. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.engine.view import SECOND, Sighted, Tracked
from plugin.ml.verdict import judge

if TYPE_CHECKING:
    from plugin.ml.behaviour.finding import Found
    from plugin.ml.verdict import Verdict

SUSPECT_SECONDS = 600.0
"""Twice the time after which a detector tells the same again."""
SKEW_SECONDS = 5.0
"""By so much a clock may be corrected without a word."""
_KEPT = 16


def sight(tracked: Tracked, found: Found) -> None:
    """Note a finding; of each behaviour the last one counts."""
    others = [one for one in tracked.sighted if one.finding.name != found.finding.name]
    tracked.sighted = [*others, Sighted(found.time, found.finding, None)][-_KEPT:]


def place(tracked: Tracked, found: Found, capture: str) -> None:
    """Say in which capture a finding is."""
    tracked.sighted = [
        one._replace(capture=capture) if one.finding == found.finding else one
        for one in tracked.sighted
    ]


def completed(verdict: Verdict, tracked: Tracked, capture: str) -> Verdict:
    """The verdict with what was found while its capture was written."""
    before = verdict.anomaly or judge(())
    told = before.behaviour
    names = {one.name for one in told}
    live = [
        one.finding
        for one in tracked.sighted
        if one.capture == capture and one.finding.name not in names
    ]
    if not live:
        return verdict
    return verdict._replace(anomaly=judge([*told, *live], before.novelty, before.change))


def counts(one: Sighted, now: float) -> bool:
    """Whether a finding is of now: neither old, nor of a time that is still to come."""
    return -SKEW_SECONDS <= now - one.time / SECOND < SUSPECT_SECONDS


def forget(tracked: Tracked, now: float) -> bool:
    """Let findings go that are too old to count; whether any was."""
    kept = [one for one in tracked.sighted if counts(one, now)]
    fewer = len(kept) < len(tracked.sighted)
    tracked.sighted = kept
    return fewer
