"""Faucet's files brought to what they must hold: checked, written, loaded.

One step at a time, none of them waits. Equal bytes are not written; two writes are at least a
second apart; what Faucet does not list with our hash it is told to load again. Our include is
written over only if its bytes are ours; others are put aside first. In the root file nothing but
native VLANs of single ports is ever changed, by the protocol of :mod:`plugin.app.moving`.
"""

from __future__ import annotations

import logging
import os
import re
from itertools import count
from typing import TYPE_CHECKING

from plugin.app.desired import is_form
from plugin.app.looking import text_of
from plugin.engine.events import Written
from plugin.errors import FaucetFileError, PeerError
from plugin.faucet import files
from plugin.faucet.checking import Checking
from plugin.faucet.hook import PRIMING_MAC
from plugin.faucet.install import diff
from plugin.faucet.journal import read_journal, write_journal
from plugin.faucet.tree import UnreadableError
from plugin.offline.faucet import JOURNAL, checker_for

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from plugin.app.desired import Desired
    from plugin.app.looking import Looked
    from plugin.events import LoadedFile
    from plugin.faucet.adapters import Adapter, Heard
    from plugin.faucet.install import Journal

AGAIN_SECONDS = 2.0
"""Before something is tried again that failed, or was not seen loaded."""
RARELY_SECONDS = 10.0
"""The same once the adapter's patience is over."""
REPAIR_SECONDS = 5.0
"""Between two repairs: another program's writes must not make Faucet reload for ever."""
DIFF_MOST = 100_000
"""Characters of a diff."""
MACS = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
KNOWN_MOST = 1000
"""Texts of ours that are told from other people's by their hash."""
log = logging.getLogger("halia")


class Bringing:
    """Brings texts to Faucet; used by one thread, closed by any.

    Args:
        config: The faucet.yaml.
        environment: The Python environment that Faucet runs in; None looks for it.
        adapter: The way to Faucet.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        config: Path,
        environment: Path | None,
        adapter: Adapter,
        clock: Callable[[], float],
    ) -> None:
        self.adapter = adapter
        self._config, self._environment, self._clock = config, environment, clock
        self._checking: Checking | None = None
        self._closed = False
        self._wrote_at = self._repaired = self._signalled = self._since = -RARELY_SECONDS
        self._again = 0.0
        """When a refused text is tried again."""
        self._due = False
        """We have written, and not yet signalled."""
        self._refused: Desired | None = None
        """What could not be written."""
        self._told_dry: str | None = None
        self._files: Sequence[LoadedFile] | None = None
        """What Faucet's last event listed."""
        self._why_not_signalled: str | None = None
        self._known: dict[str, None] = {}
        """Hashes of texts of our include that we wrote in this run."""
        self._root: str | None = None
        """Hash of the root file that we wrote, until it is loaded."""
        self.ours: str | None = None
        """The text that we wrote or found as it must be."""
        self.loaded = False
        """Faucet has loaded it."""
        self.deaf = True
        """Faucet says nothing of what it has loaded."""
        self._why_not_written: str | None = None
        self._why_not_loaded: str | None = None
        self._hindered: str | None = None
        """Why the next text could not be written, while what stands is as it must be."""
        self.writes = 0
        self.changes: list[Written] = []
        """What was written; taken by who tells it."""
        self.foreign: str | None = None
        """What was found in our file's place; taken by who tells it."""

    @property
    def problem(self) -> str | None:
        """Why the last text is not written or not loaded, or the next one could not be."""
        return self._why_not_written or self._why_not_loaded or self._hindered

    def wrote_within(self, seconds: float) -> bool:
        """Tell whether the last write is that young."""
        return self._clock() - self._wrote_at < seconds

    def not_yet(self, seconds: float) -> bool:
        """Tell whether Faucet can hardly have loaded what was written so lately.

        It is not worth reading thousands of flows from the switches then.
        """
        return not (self.loaded or self.deaf) and self.wrote_within(seconds)

    def ready(self) -> None:
        """Have Faucet's parser ready before it is needed."""
        if not self._closed and self.adapter.writes and self._checking is None:
            try:
                self._checker().start()
            except PeerError:  # it is looked for again, and told, when something is written
                return

    def heard(self, loaded: Sequence[LoadedFile]) -> None:
        """Take what Faucet's event lists as loaded; from any thread."""
        self._files = tuple(loaded)

    def forget(self) -> None:
        """Take whatever stands in our file for what somebody was right to write there."""
        self.ours = None

    def bring(self, looked: Looked, want: Desired) -> bool:
        """Have Faucet's files hold what they must; gives whether they do.

        If they do not, ``problem`` says why; None there means that the next write is not allowed
        yet.
        """
        now = self._clock()
        if self._holds(looked, want):
            if self.ours != looked.ours:
                self._stand(looked.ours or "", now)
            self._refused, self._why_not_written = None, want.moved.problem
            self._hindered = self._hindrance(looked)
            return True
        self._hindered = None
        if not self._may(looked, want, now):
            return False
        try:
            self._write(looked, want)
        except (FaucetFileError, PeerError) as error:
            self._why_not_written, self._refused = str(error), want
            self._again = self._clock() + AGAIN_SECONDS
            return False
        self._refused, self._why_not_written = None, want.moved.problem
        return True

    def _hindrance(self, looked: Looked) -> str | None:
        """Say why nobody could be isolated or released, before somebody is to be."""
        if not (self.adapter.writes and self.adapter.here):
            return None
        why = files.why_unwritable(looked.place.include)
        return None if why is None else f"nobody can be isolated or released: {why} (docs/run.md)"

    def _may(self, looked: Looked, want: Desired, now: float) -> bool:
        """Tell whether it is time to write."""
        if not self.adapter.writes:
            self._show(looked, want)
            return False
        if now < self._wrote_at + files.PAUSE_SECONDS:
            return False
        if self._refused is want and now < self._again:
            return False
        if self.ours is not None and not self._is_ours(looked.ours):
            if now < self._repaired + REPAIR_SECONDS:
                return False
            self._repaired = now
        return True

    def follow(self, looked: Looked) -> None:
        """See whether Faucet has loaded what we wrote; have it look again if it has not."""
        if self.ours is None:
            return
        now = self._clock()
        if self._due:
            self._signal(now)
            return
        heard = self.adapter.loaded()
        found = heard.files if heard is not None else self._files
        self.deaf = found is None
        if found is not None:
            listed = {one.path: one.sha256 for one in found}
            self.loaded = self._lists(looked, listed)
        if self.loaded:
            self._since, self._why_not_loaded = now, None
            return
        self._alarm(looked.place.include, heard, now)
        late = now - self._since >= self.adapter.patience
        if now - self._signalled >= (RARELY_SECONDS if late else AGAIN_SECONDS):
            self._signal(now)

    def root_too(self, looked: Looked) -> None:
        """Have the root file loaded as well as our include: the run before has written it."""
        self._root = files.file_hash(looked.place.text)

    def close(self) -> None:
        """End the parser, also while it works."""
        self._closed = True
        self.adapter.close()
        if self._checking is not None:
            self._checking.close()

    def _lists(self, looked: Looked, listed: dict[str, str]) -> bool:
        """Tell whether our include is loaded, and the root file if we have written it."""
        assert self.ours is not None
        place = looked.place
        if self._root is not None and (
            listed.get(str(place.root)) == self._root or files.file_hash(place.text) != self._root
        ):
            self._root = None  # loaded, or edited by somebody else meanwhile
        mine = listed.get(str(files.real_path(place.include))) == files.file_hash(self.ours)
        return mine and self._root is None

    def _holds(self, looked: Looked, want: Desired) -> bool:
        """Tell whether all files hold what they must."""
        place, moved, form = looked.place, want.moved, self.adapter.form
        if looked.ours is None or place.journal != moved.journal:
            return False
        return form(looked.ours) == form(want.text) and form(place.text) == form(moved.root)

    def _is_ours(self, text: str | None) -> bool:
        """Tell whether a text is what we wrote last, in whatever form."""
        if text is None or self.ours is None:
            return False
        return self.adapter.form(text) == self.adapter.form(self.ours)

    def _know(self, text: str) -> str:
        """Remember a text as one of ours; gives its hash."""
        known = files.file_hash(self.adapter.form(text))
        self._known[known] = None
        while len(self._known) > KNOWN_MOST:
            del self._known[next(iter(self._known))]
        return known

    def _stand(self, text: str, now: float) -> None:
        self._know(text)
        self.ours, self.loaded, self._since = text, False, now
        self._why_not_loaded = None

    def _signal(self, now: float) -> None:
        self._why_not_signalled = self.adapter.reload()
        self._signalled, self._due = now, False

    def _alarm(self, include: Path, heard: Heard | None, now: float) -> None:
        """Say why it is not loaded, once it should be."""
        if heard is not None and heard.error:
            self._why_not_loaded = f"Faucet refuses its configuration: {heard.error}"
        elif now - self._since >= self.adapter.patience:
            why = self._why_not_signalled
            if why is None:
                why = "its page does not answer" if self.deaf else "it does not list the file"
            self._why_not_loaded = f"{include.name} is written, and Faucet has not loaded it: {why}"

    def _write(self, looked: Looked, want: Desired) -> None:
        place, moved = looked.place, want.moved
        new = looked.texts(want.text, moved.root)
        found = self._checker().check(place.root, new)
        if not found.ok:
            raise FaucetFileError(
                f"Faucet's parser refuses what would be written: {found.said}",
                where=str(place.root),
                advice="nothing was written",
            )
        with self.adapter.locked(place.root.parent):
            _unchanged(looked)
            self._keep_journal(looked, moved.between)
            form, stands = self.adapter.form, looked.ours or ""
            if form(stands) != form(want.text):
                self._put_aside(looked)
                self._know(want.text)  # it may be written though we are told that it was not
                before, stands = stands, self.adapter.write(place.include, want.text)
                self._wrote(stands)
                self.changes.append(_change(place.include, form(before), form(stands)))
            if form(moved.root) != form(place.text):
                self._root = files.file_hash(self.adapter.write(place.root, moved.root))
                self._wrote(stands)
                self.changes.append(_change(place.root, form(place.text), form(moved.root)))
            self._keep_journal(looked, moved.journal)

    def _wrote(self, text: str) -> None:
        """A file of Faucet's was written: it must load it."""
        self._stand(text, self._clock())
        self._due, self._wrote_at = True, self._clock()
        self.writes += 1

    def _put_aside(self, looked: Looked) -> None:
        """Keep bytes that are not ours before they are written over; note who was there."""
        old, include = looked.ours, looked.place.include
        if old is None:
            if os.path.lexists(include):
                self._move_aside(include)
            elif self.ours is not None:
                self.foreign = f"{include.name} is gone: it is written anew"
            return
        adapter = self.adapter
        known = files.file_hash(adapter.form(old)) in self._known
        has_form = self.ours is None and is_form(old, headed=adapter.comments)
        if self._is_ours(old) or has_form:
            return
        if known or not old.strip():  # an earlier one of ours, as FAUCET_CONFIG_AUTO_REVERT does
            self.foreign = f"{include.name} was set back by somebody else: it is written anew"
            return
        if include.is_symlink():  # whatever it points to is not ours to write over
            self._move_aside(include)
            return
        aside = files.put_aside(include, adapter.kept)
        self.foreign = (
            f"{include.name} was changed by somebody else: it is written anew, and what stood"
            f" there is kept in {aside.name if adapter.kept is None else aside}"
        )

    def _move_aside(self, include: Path) -> None:
        """Put away what is no file of ours in our file's place: a folder, a pipe, a link."""
        numbered = (include.with_name(f"{include.name}.{n}.kept") for n in count(1))
        aside = next(one for one in numbered if not os.path.lexists(one))
        try:
            include.rename(aside)
        except OSError as error:
            raise FaucetFileError(
                f"is no file of ours, and cannot be put aside: {error.strerror}", where=str(include)
            ) from error
        self.foreign = (
            f"{include.name} was something else: it is written anew, and what stood there is kept"
            f" as {aside.name}"
        )

    def _keep_journal(self, looked: Looked, journal: Journal | None) -> None:
        place = looked.place
        assert place.journal is not None
        if journal is None:
            return
        path = place.root.parent / JOURNAL
        if _journal(path) != journal:
            files.write_text(path, write_journal(journal))

    def _checker(self) -> Checking:
        if self._checking is None:
            if self._closed:
                raise PeerError("is closed", where="the writer")
            self._checking = Checking(checker_for(files.real_path(self._config), self._environment))
        return self._checking

    def _show(self, looked: Looked, want: Desired) -> None:
        """Say what would be written, once."""
        place = looked.place
        shown = diff(looked.ours or "", want.text, place.include.name)
        shown += diff(place.text, want.moved.root)
        if self._told_dry != shown:
            self._told_dry = shown
            log.info("dry run: this would be written:\n%s", shown)


def _change(path: Path, old: str, new: str) -> Written:
    """Say what was changed, with the devices that it is about; a very long one is cut."""
    text = diff(old, new, path.name)
    changed = "\n".join(line for line in text.splitlines() if line[:1] in {"+", "-"})
    macs = tuple(sorted(set(MACS.findall(changed)) - {PRIMING_MAC}))
    cut = f"{text[:DIFF_MOST]}\n({len(text) - DIFF_MOST} more characters)\n"
    return Written(path.name, text if len(text) <= DIFF_MOST else cut, macs)


def _unchanged(looked: Looked) -> None:
    """Refuse to go by files that are not any more as they were looked at."""
    place = looked.place
    others = {str(place.root): place.text, **place.included}
    for path, text in others.items():
        if files.read_text(place.root.parent / path) != text:
            raise FaucetFileError("was changed meanwhile", where=path)
    if _journal(place.root.parent / JOURNAL) != place.journal:
        raise FaucetFileError("was changed meanwhile", where=JOURNAL)
    if text_of(place.include) != looked.ours:  # somebody's work, to be put aside at the next turn
        raise FaucetFileError("was changed meanwhile", where=str(place.include))


def _journal(path: Path) -> Journal:
    try:
        return read_journal(files.read_text(path))
    except UnreadableError as error:
        raise FaucetFileError(str(error), where=str(path)) from error
