"""From settings to the channels of notices: webhook, syslog, e-mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.app.clock import now
from plugin.engine import events as ev
from plugin.notices.channels import open_channels
from plugin.notices.notices import Notices
from plugin.notices.post import Post

if TYPE_CHECKING:
    from plugin.app.inbox import Inbox
    from plugin.settings import Settings

ALARM = "notices"
"""Kind of the alarm that notices are lost; it is in the log and the journal, and no notice."""


def open_notices(settings: Settings, inbox: Inbox) -> Notices:
    """All channels that the settings name; files are read now, so a new secret wants a restart.

    Args:
        settings: what the operator decided.
        inbox: where it is told that notices are lost.

    Raises:
        SettingsError: a file of a secret or of certificates cannot be used.
    """
    found = open_channels(settings, now)

    def lost(text: str) -> None:
        # At once, for it may be the main thread that puts one notice too many.
        inbox.put_now(ev.Noticed(ALARM, text))

    give_up = settings.notify.give_up
    posts = [Post(one, give_up, lost) for one in found]
    return Notices(posts, settings.notify.states, settings.notify.alarms)
