"""The operator's policy, read again when its file has changed; one that is wrong is not used.

A thread of its own: a policy of thousands of addresses takes a second to read.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from plugin.engine import events as ev
from plugin.errors import HaliaError, PolicyError
from plugin.policy.rules import EMPTY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from plugin.app.inbox import Inbox
    from plugin.policy.rules import Policy

LOOK_SECONDS = 1.0
ALARM = "policy"
"""Kind of the alarm that a policy is not used; ``policy_ok`` ends it."""
_Stamp = tuple[int, int, int] | None


class Ruling:
    """Looks after the policy's file.

    Args:
        file: The setting ``policy.file``; it has been read by then.
        read: Reads such a file.
        inbox: Where policies go, and what is wrong with them.
    """

    def __init__(self, file: Path | None, read: Callable[[Path], Policy], inbox: Inbox) -> None:
        self._read, self._inbox = read, inbox
        self._file = file
        self._known = self._seen = _stamp(file)
        """Of the file as it was read last, and as it was at the last look."""
        self._now = threading.Event()
        self._refused = False

    def use(self, file: Path | None) -> None:
        """Read this file from now on, and read it at once; from the main thread."""
        self._file = file
        self._now.set()

    def run(self, stopping: threading.Event) -> None:
        """Look at the file until stopped."""
        while not stopping.is_set():
            asked = self._now.wait(LOOK_SECONDS)
            self._now.clear()
            if not stopping.is_set():
                self.look(asked=asked)

    def look(self, *, asked: bool = False) -> None:
        """Read the file if it has changed, and is not being written just now.

        Args:
            asked: Read it in any case.
        """
        file = self._file
        stamp = _stamp(file)
        still, self._seen = stamp == self._seen, stamp
        if not asked and (stamp == self._known or not still):
            return
        self._known = stamp
        try:
            # A pipe that nobody writes to would be waited for until the end of the world.
            if file is not None and file.exists() and not file.is_file():
                raise PolicyError(f"{file}: is no file")
            policy = EMPTY if file is None else self._read(file)
        except HaliaError as error:
            self._refused = True
            self._inbox.put(ev.Noticed(ALARM, f"the policy stays as it was: {error}"))
            return
        self._inbox.put(ev.PolicyRead(policy))
        if self._refused:
            self._refused = False
            enforced = ", ".join(one.name for one in policy.rules if one.mode == "enforce")
            text = f"the policy's file is in use again; rules: {len(policy.rules)}, enforced:"
            self._inbox.put(ev.Noticed(f"{ALARM}_ok", f"{text} {enforced or 'none'}"))


def _stamp(file: Path | None) -> _Stamp:
    """Tell one state of a file from another; None: it is not there."""
    if file is None:
        return None
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
