"""What is told goes to each channel, and each says how it is."""

from __future__ import annotations

from plugin.notices.notice import ChannelError
from plugin.notices.notices import Notices
from plugin.notices.post import Post
from tests.cases import AT, MAC, step
from tests.unit.notices.test_post import Channel


def notices(*channels: Channel) -> Notices:
    posts = [Post(one, 3600.0, lambda _: None, clock=lambda: 0.0) for one in channels]
    return Notices(posts, ("isolated",), ("caps",))


def deliver(one: Notices) -> None:
    for post in one.posts:
        while post.turn() == 0.0:
            pass


def test_each_channel_gets_what_is_asked_for() -> None:
    webhook, mail = Channel(), Channel()
    one = notices(webhook, mail)
    one.decided(step())
    one.decided(step("released", "releasing"))
    one.alarm(AT, "caps", None, "no more")
    one.alarm(AT, "feed_gap", None, "3 events are missing")
    deliver(one)
    assert len(webhook.sent) == 2
    assert webhook.sent[1] == "no more"
    assert mail.sent == webhook.sent


def test_one_that_is_dead_keeps_its_own_and_delays_no_other() -> None:
    dead, good = Channel(), Channel()
    dead.name = "webhook"
    dead.errors = [ChannelError("refused")] * 99
    one = notices(dead, good)
    one.decided(step())
    one.alarm(AT, "caps", MAC, "no more")
    deliver(one)
    assert len(good.sent) == 2
    assert one.status() == {
        "webhook": {"sent": 0, "waiting": 2, "lost": 0},
        "test": {"sent": 2, "waiting": 0, "lost": 0},
        "problem": "webhook: refused",
    }


def test_without_channels_nothing_is_kept() -> None:
    one = notices()
    one.decided(step())
    one.alarm(AT, "caps", None, "no more")
    assert one.status() is None
