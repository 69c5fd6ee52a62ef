"""A secret that shows itself only when asked by name, and the files that secrets come from."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from plugin.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.settings.groups import BrokerSettings

HIDDEN = "(not shown)"
SECRET_BYTES_MAX = 4096


class Secret:
    """A text that no message, table or traceback shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text, to whoever must send it."""
        return self._text

    def __repr__(self) -> str:
        """Nothing of it, not even its length."""
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        """Two are equal if their texts are."""
        return self._text == other._text if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        """As equality demands."""
        return hash(self._text)


def broker_password(broker: BrokerSettings) -> Secret | None:
    """Give the password for the broker: the setting's, or what its file holds now.

    Read by whoever connects and not by the loader: most commands need none, may not read the
    file, and a password that was changed there is used at the next connection.

    Raises:
        SettingsError: the file cannot be read, is open to others, or holds no one line of text.
    """
    if broker.password_file is None:
        return broker.password
    return read_secret(broker.password_file, "broker.password_file")


def read_secret(file: Path, setting: str) -> Secret:
    """Give what a file holds now: one line, a password or a key.

    Args:
        file: readable by its owner and group only.
        setting: the setting that names it, for the message.

    Raises:
        SettingsError: as of :func:`broker_password`.
    """
    return Secret(_read(file, setting))


def _read(file: Path, setting: str) -> str:
    try:
        with open(file, "rb", opener=_open_now) as stream:
            mode = os.fstat(stream.fileno()).st_mode
            content = stream.read(SECRET_BYTES_MAX + 1) if stat.S_ISREG(mode) else b""
    except OSError as error:
        raise _problem(file, setting, f"cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(mode):
        raise _problem(file, setting, "is no regular file")
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise _problem(file, setting, "can be read or written by everyone: chmod o-rwx it")
    try:
        text = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:  # its own message would show bytes of it
        text = ""
    if not text or "\n" in text or "\0" in text or len(content) > SECRET_BYTES_MAX:
        what = "key" if "secret" in setting else "password"
        raise _problem(file, setting, f"one line of text is expected, the {what}")
    return text


def _open_now(path: str, flags: int) -> int:
    """Open without waiting: a pipe that nobody writes to would hold everything up."""
    return os.open(path, flags | os.O_NONBLOCK)


def _problem(file: Path, setting: str, problem: str) -> SettingsError:
    return SettingsError(f"{file}: {setting}: {problem}")
