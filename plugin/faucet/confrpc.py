"""faucetconfrpc writes the files, for a Halia that may read them and not write them.

It writes what a file means in a form of its own, without comments, and says yes to a bad include.
So texts are compared by meaning, what it says is never taken for a proof, and each write is read
back twice: from it, and from the file. Faucet itself must still look at its files afterwards.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from plugin.errors import FaucetFileError
from plugin.faucet import files
from plugin.faucet.adapters import Files
from plugin.faucet.meaning import meaning, merged_into

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.faucet.remote import Remote

_MOST = 64 << 20
"""Bytes of a file that are read: more is no configuration."""
_WAITS = (
    "; and it has not looked by itself: FAUCET_CONFIG_STAT_RELOAD=1 has it look, or let Halia"
    " signal it"
)


class ConfRpc(Files):
    """A server that writes.

    Args:
        root: The root faucet.yaml, as it can be read here; all files stand in its folder.
        pid: The Faucet to signal; None finds the one that reads the file, if it may be seen.
        page: Address of its Prometheus page.
        remote: The server.
        kept: The folder for what is put aside.
    """

    name = "confrpc"
    takes = (
        "0.3 to 2 seconds where Faucet may be signalled, else 2 to 6 (stat reload): faucetconfrpc"
        " writes"
    )
    patience = 20.0
    comments = here = False

    def __init__(
        self, root: Path, *, pid: int | None = None, page: str, remote: Remote, kept: Path
    ) -> None:
        super().__init__(root, pid=pid, page=page)
        self._remote = remote
        self.kept = kept

    def form(self, text: str) -> str:
        """What it means: the server has a form of its own."""
        return meaning(text)

    def locked(self, folder: Path) -> AbstractContextManager[None]:
        """Lock it where that is possible; else nobody of ours writes there but by the server."""
        possible = (folder / files.LOCK).exists() or os.access(folder, os.W_OK)
        return files.locked(folder) if possible else nullcontext()

    def write(self, path: Path, text: str) -> str:
        """Have the server write it, and read it back.

        In the root file only what differs is told: what other clients change there stays.
        """
        real, root = files.real_path(path), files.real_path(self._root)
        if real.parent != root.parent:
            raise FaucetFileError("faucetconfrpc serves one folder only", where=str(path))
        before = _standing(real)
        if meaning(before) == meaning(text):
            return before
        merge = merged_into(before, text) if real == root else None
        self._remote.set(real.name, text if merge is None else merge, merge=merge is not None)
        if meaning(self._remote.get(real.name)) != meaning(text):
            raise FaucetFileError(
                "faucetconfrpc said yes, and the file does not mean what it was told",
                where=real.name,
                advice="does somebody else write it? It is looked at again",
            )
        stands = _standing(real)
        if meaning(stands) != meaning(text):
            raise FaucetFileError(
                "faucetconfrpc holds what it was told, and this file does not",
                where=str(path),
                advice="is its --config_dir this folder?",
            )
        return stands

    def reload(self) -> str | None:
        """Signal Faucet if it is seen and may be signalled; else it looks by itself."""
        why = self.signal()
        return None if why is None else why + _WAITS

    def close(self) -> None:
        """End a call that is under way."""
        self._remote.close()


def _standing(path: Path) -> str:
    """Read a file; bytes that are no text mean nothing of ours."""
    try:
        return files.read_bytes(path, _MOST).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise FaucetFileError(f"cannot be read: {error.strerror}", where=str(path)) from error
