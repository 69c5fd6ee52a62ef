"""All channels as one: what is told goes to each, and each says how it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.notices.notice import Choice, alarm_notice, decision_notice

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from plugin.notices.notice import Notice
    from plugin.notices.post import Post
    from plugin.policy.cases import Transition


class Notices:
    """Where decisions and alarms go in. :meth:`decided` and :meth:`alarm` never wait.

    Args:
        posts: the channels, each with its queue; none: nothing is told.
        states: which decisions are told: states, and ``refused``.
        alarms: which kinds of alarms are told.
    """

    def __init__(
        self, posts: Sequence[Post], states: Collection[str], alarms: Collection[str]
    ) -> None:
        self.posts = tuple(posts)
        self._choice, self._alarms = Choice(states), frozenset(alarms)

    def decided(self, transition: Transition) -> None:
        """Tell of a decision, if such are told."""
        if self.posts and self._choice.wants(transition):
            self._put(decision_notice(transition))

    def alarm(self, time: float, kind: str, mac: str | None, text: str) -> None:
        """Tell of an alarm, if such are told."""
        if self.posts and kind in self._alarms:
            self._put(alarm_notice(time, kind, mac, text))

    def status(self) -> dict[str, Any] | None:
        """How each channel is, for ``halia status``; None if there is none."""
        if not self.posts:
            return None
        problems = [f"{post.name}: {post.problem}" for post in self.posts if post.problem]
        counts = {post.name: post.count()._asdict() for post in self.posts}
        return {**counts, "problem": "; ".join(problems) or None}

    def _put(self, notice: Notice) -> None:
        for post in self.posts:
            post.put(notice)
