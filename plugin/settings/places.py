"""Where the settings file is, and where models/ and configs/ are, wherever Halia stands."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from plugin.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def settings_file(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Find the settings file: ``--config``, HALIA_CONFIG, the user's, the machine's, or none.

    Raises:
        SettingsError: a file that was named is not there, or is no file.
    """
    named = config or (Path(environ["HALIA_CONFIG"]) if environ.get("HALIA_CONFIG") else None)
    if named is not None:
        _check_named(named)
        return named
    return next((p for p in (user_file(environ), Path("/etc/halia/halia.yaml")) if _there(p)), None)


def user_file(environ: Mapping[str, str]) -> Path:
    """Name the user's own settings file (``halia config init`` makes it)."""
    home = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "/")) / ".config")
    return Path(home) / "halia" / "halia.yaml"


def data_folder(name: str, folder: Path | None = None) -> Path:
    """Find one of the folders that come with Halia.

    Args:
        name: ``models`` or ``configs``.
        folder: the setting ``data``: if given, nothing else is tried.

    Returns:
        The folder: under ``folder``, else HALIA_DATA, else the checkout, else the place
        where a wheel puts it.

    Raises:
        SettingsError: there is none.
    """
    named = folder or (Path(os.environ["HALIA_DATA"]) if os.environ.get("HALIA_DATA") else None)
    for base in [named] if named else _data_places():
        if (base / name).is_dir():
            return base / name
    where = named or "this installation"
    raise SettingsError(f"{where}: holds no folder {name}/; name its parent with HALIA_DATA")


def _check_named(file: Path) -> None:
    try:
        regular = stat.S_ISREG(file.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SettingsError(f"{file}: no such settings file") from error
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error
    if not regular:
        raise SettingsError(f"{file}: is no regular file")


def _there(file: Path) -> bool:
    """Whether a file is there that nobody has named: in a folder closed to us there is none."""
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except OSError:
        return False


def _data_places() -> Iterator[Path]:
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "setup.cfg").is_file():
        yield checkout
    import sysconfig

    yield Path(sysconfig.get_path("data")) / "share" / "halia"
