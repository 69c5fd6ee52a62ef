"""The ways to bring a file of ours to the running Faucet; each says how long it takes.

Writing, asking for a reload and seeing what is loaded are steps of their own, and none of them
waits: who writes has other things to do meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from plugin.errors import FaucetFileError, PeerError
from plugin.faucet import files
from plugin.faucet.transport import read_page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from plugin.events import LoadedFile

PAGE_SECONDS = 1.0
"""For each piece of Faucet's page: it is asked again soon."""
_REVERTS = (
    "Faucet runs with FAUCET_CONFIG_AUTO_REVERT: it may write its own copy over our file, and what"
    " is isolated may be free"
)
CHOICES = ("sighup", "stat", "confrpc", "dry-run")


class Heard(NamedTuple):
    """What the running Faucet says of its configuration."""

    files: Sequence[LoadedFile]
    """Those that it has loaded, with their hashes."""
    error: str
    """Why it refused the last one; empty if it did not."""


class Adapter(Protocol):
    """A way to the running Faucet."""

    name: str
    """As the setting ``isolation.adapter`` has it."""
    takes: str
    """Time to effect, in words."""
    patience: float
    """Seconds after which something not loaded is a problem."""
    writes: bool
    """Whether it changes anything at all."""
    warning: str | None
    """What is wrong with the Faucet that was found; None: nothing."""

    comments: bool
    """Whether comments stay in what it writes."""
    here: bool
    """Whether this process itself writes the files."""
    kept: Path | None
    """The folder for what is put aside; None: beside the file."""

    def form(self, text: str) -> str:
        """Give what of a text counts when two are compared."""

    def locked(self, folder: Path) -> AbstractContextManager[None]:
        """Keep other processes of ours from writing there meanwhile.

        Raises:
            FaucetFileError: another one is writing, or the folder cannot be written to.
        """

    def write(self, path: Path, text: str) -> str:
        """Put a text in a file's place, whole or not at all; give the text that stands there then.

        Raises:
            FaucetFileError: it cannot be written.
            PeerError: who writes it does not answer.
        """

    def reload(self) -> str | None:
        """Have Faucet look at its files; tells why that could not be asked, if it could not."""

    def loaded(self) -> Heard | None:
        """Ask Faucet which files it has loaded; None if it does not answer."""

    def close(self) -> None:
        """End a write that is under way; from any thread."""


class Files:
    """Files on this machine.

    Args:
        root: The root faucet.yaml, by which the running Faucet is found.
        pid: The Faucet to signal; None finds the one that reads the file.
        page: Address of its Prometheus page.
    """

    writes = True
    warning: str | None = None
    comments = here = True
    kept: Path | None = None

    def __init__(self, root: Path, *, pid: int | None, page: str) -> None:
        self._root, self._pid, self._page = root, pid, page

    def form(self, text: str) -> str:
        """All of it: the bytes are ours."""
        return text

    def locked(self, folder: Path) -> AbstractContextManager[None]:
        """Lock it by a file in it."""
        return files.locked(folder)

    def write(self, path: Path, text: str) -> str:
        """Write it, with fsync, by rename."""
        files.write_text(path, text)
        return text

    def loaded(self) -> Heard | None:
        """Read Faucet's page."""
        try:
            page = read_page(self._page, timeout=PAGE_SECONDS)
        except PeerError:  # busy with the reload, or away: it is asked again
            return None
        return Heard(page.files, page.config_error)

    def signal(self) -> str | None:
        """Signal the Faucet that reads the file; tells why not, if that cannot be."""
        pid = self._pid
        if pid is None:
            found = files.find_faucet(self._root)
            if found is None:
                return "no single running Faucet that reads this file is seen, so none is signalled"
            pid = found.pid
            self.warning = _REVERTS if found.reverts else None
        return files.hang_up(pid)

    def close(self) -> None:
        """Nothing takes long."""


class Sighup(Files):
    """The file, and SIGHUP."""

    name = "sighup"
    takes = "0.1 to 2 seconds: Faucet is signalled, and reads its files at once"
    patience = 10.0

    def reload(self) -> str | None:
        """Signal the Faucet that reads the file."""
        return self.signal()


class Stat(Files):
    """The file, and nothing else: Faucet runs with FAUCET_CONFIG_STAT_RELOAD=1."""

    name = "stat"
    takes = "2 to 6 seconds: Faucet looks at its files' times by itself (stat reload)"
    patience = 20.0

    def reload(self) -> str | None:
        """Wait for Faucet to look by itself."""
        return None


class DryRun(Files):
    """Nothing is written; what would be is logged."""

    name = "dry-run"
    takes = "never: nothing is written"
    patience = float("inf")
    writes = False

    def write(self, path: Path, text: str) -> str:
        """Refuse."""
        del text
        raise FaucetFileError("dry run: nothing is written", where=str(path))

    def reload(self) -> str | None:
        """Signal nobody."""
        return None


def adapter_of(name: str, root: Path, *, pid: int | None = None, page: str) -> Adapter:
    """Make the adapter of that name, one of :data:`CHOICES`.

    For ``confrpc``, which needs more: :class:`plugin.faucet.confrpc.ConfRpc`.
    """
    if name == "dry-run":
        return DryRun(root, pid=pid, page=page)
    if name == "stat":
        return Stat(root, pid=pid, page=page)
    assert name == "sighup"
    return Sighup(root, pid=pid, page=page)
