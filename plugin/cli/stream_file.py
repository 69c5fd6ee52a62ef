"""The file of ``halia capture --stream``: all frames, each once, written as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Self

from plugin.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path


class StreamFile:
    """A new file that is written on and on; without a path, nothing at all.

    Args:
        path: where; nothing may stand there.

    Raises:
        OutputError: something does, or it cannot be made.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stream: BinaryIO | None = None
        if path is not None:
            try:
                self._stream = path.open("xb", buffering=0)
            except OSError as error:
                raise OutputError(f"cannot be made: {error.strerror}", where=str(path)) from error

    def write(self, data: bytes) -> None:
        """Write on.

        Raises:
            OutputError: there is no room for it; what is asked for after that is left out.
        """
        rest = memoryview(data)
        try:
            while rest and self._stream is not None:
                rest = rest[self._stream.write(rest) :]
        except OSError as error:
            self.close()
            where = str(self._path)
            raise OutputError(f"cannot be written to: {error.strerror}", where=where) from error

    def close(self) -> None:
        """Let go of it; again is no error."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def __enter__(self) -> Self:
        """Keep it open inside the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()
