"""A disk that loses its power: what was brought to it by fsync is there afterwards, and no more."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


class Disk:
    """Remembers what each file and each folder held when it was synced last."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have all fsyncs pass by here."""
        self._synced = os.fsync
        self._files: dict[int, bytes] = {}
        self._folders: dict[int, dict[str, int]] = {}
        monkeypatch.setattr(os, "fsync", self._sync)

    def left(self, folder: Path) -> dict[str, bytes]:
        """What a folder that was there before holds after the power was cut now."""
        names = self._folders.get(folder.stat().st_ino, {})
        return {name: self._files.get(number, b"") for name, number in names.items()}

    def _sync(self, file: int) -> None:
        self._synced(file)
        place = Path(f"/proc/self/fd/{file}").readlink()
        status = os.fstat(file)
        if stat.S_ISDIR(status.st_mode):
            names = {one.name: one.stat().st_ino for one in place.iterdir()}
            self._folders[status.st_ino] = names
        else:
            self._files[status.st_ino] = place.read_bytes()
