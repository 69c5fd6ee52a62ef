"""What this machine must have: Python, the core, libraries, clock, a place to write, models."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import shutil
import tempfile
from typing import TYPE_CHECKING

from plugin.capture.privileges import check_owned
from plugin.core import implementation
from plugin.errors import (
    InputError,
    ModelError,
    OutputError,
    PolicyError,
    SettingsError,
    install_extra,
)
from plugin.offline.doctor.account import may, seen_by
from plugin.offline.doctor.check import Check, failed, ok, skipped, warn
from plugin.records import iso_second

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from plugin.capture.privileges import Account
    from plugin.ml.model import Model
    from plugin.settings import Settings

EARLIEST = 1_767_225_600.0
"""2026-01-01: no Halia is older, so no clock that is right says less."""
_TIME_ERROR = 5
"""What adjtimex(2) returns when nobody keeps the clock right."""
_TIMEX_BYTES = 512
"""More than a struct timex has; all zero is a question only."""


def core() -> Check:
    """The core: compiled, or its slower twin."""
    python = f"Python {platform.python_version()}"
    if implementation() == "c":
        return ok("core", f"{python}, compiled core")
    return warn(
        "core",
        f"{python}, the core in plain Python: a hundred times slower",
        "install a wheel, or a C compiler and Python's headers, and install Halia again",
    )


def libraries(settings: Settings) -> Check:
    """What the settings need beyond the base installation."""
    wanted = {
        "sqlalchemy": True,
        "pika": settings.broker.url is not None or settings.faucet.events == "rabbitmq",
        "prometheus_client": settings.metrics.listen is not None,
    }
    missing = [n for n, needed in wanted.items() if needed and importlib.util.find_spec(n) is None]
    if missing:
        what = f"not installed: {', '.join(missing)}"
        return failed("libraries", what, install_extra("live"))
    return ok("libraries", "all that the settings need are installed")


def clock(now: float, *, kept: bool | None = None) -> Check:
    """The clock: not far off, and kept right by somebody.

    Args:
        now: what it says, seconds since 1970.
        kept: whether the kernel says that it is kept right; None: it is asked.
    """
    told = iso_second(now)
    remedy = "keep the clock right: systemd-timesyncd, chrony or another NTP client"
    if now < EARLIEST:
        return failed("clock", f"it says {told}, which is past", remedy)
    if not (is_kept() if kept is None else kept):
        return warn("clock", f"it says {told}, and nobody keeps it right", remedy)
    return ok("clock", f"it says {told}, and is kept right")


def is_kept() -> bool:
    """Whether the kernel's clock is synchronised (adjtimex(2)); where it does not tell: yes."""
    state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return state != _TIME_ERROR


def state_folder(settings: Settings, account: Account) -> Check:
    """The folder of journal, spool and captures: there, or to be made; ours to write; with room.

    Args:
        settings: of the run to come.
        account: whom it becomes. What is not there is made before, and given to it.
    """
    name, folder = "state folder", settings.run.state
    nearest = next(p for p in (folder, *folder.absolute().parents) if os.path.exists(p))  # noqa: PTH110  # Path's raises where it may not look
    if nearest == folder:
        try:
            with seen_by(account):
                check_owned(account, folder)
        except OutputError as error:
            return failed(name, str(error), error.advice or "name another folder")
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        return failed(
            name,
            f"{folder}: cannot be written: {error.strerror}",
            f"run it as a user who may write {nearest}, or set run.state to another folder",
        )
    free = shutil.disk_usage(nearest).free
    room = f"{folder}: {_size(free)} free"
    if free < settings.capture.min_free:
        return failed(
            name,
            f"{room}, less than capture.min_free ({_size(settings.capture.min_free)})",
            "free space there, or set run.state to a folder on another disk",
        )
    if settings.capture.quota and free < settings.capture.quota and not _holds_captures(folder):
        return warn(
            name,
            f"{room}, less than captures may take (capture.quota, {_size(settings.capture.quota)})",
            "set capture.quota lower; until then capture.min_free ends the oldest captures",
        )
    return ok(name, room if folder == nearest else f"{room}; it will be made")


def _holds_captures(folder: Path) -> bool:
    """Whether captures have taken some of their quota already."""
    captures = folder / "captures"
    return captures.is_dir() and next(captures.iterdir(), None) is not None


def models(settings: Settings) -> Iterator[Check]:
    """The models that the settings name, loaded as for use, and all others that come with Halia."""
    from plugin.offline.classify import find_model, list_models, load_any, load_models
    from plugin.offline.classify import model_folders as folders_of

    remedy = "see 'halia models verify'; set model to another, or install Halia again"
    try:
        used = load_models(settings.model, settings.data)
    except (ModelError, SettingsError) as error:
        yield failed("models", str(error), remedy)
        return
    names = ", ".join(f"{m.manifest.name} {m.manifest.version}" for m in used)
    yield ok("models", f"{names}: loaded, and whole")
    yield from _flow_models(settings, used)
    for path in list_models(folders_of(settings.data)):
        try:
            load_any(find_model(str(path), []))
        except ModelError as error:
            yield warn("models", str(error), remedy)


def _flow_models(settings: Settings, used: Sequence[Model]) -> Iterator[Check]:
    """The models of flows, and whether they are for roles that the models say."""
    from plugin.offline.flow_novelty import check_roles, load_flow_models

    if not settings.detect.flows:
        return
    try:
        found = load_flow_models(settings.detect.flows, settings.data)
        check_roles(found, used)
    except InputError as error:
        yield failed("models of flows", str(error), "see docs/flows.md, and 'halia models show'")
        return
    names = ", ".join(f"{role}: {one.manifest.name}" for role, one in found.items())
    yield ok("models of flows", f"{names}: loaded, and whole")


def policy(settings: Settings, account: Account) -> Check:
    """The policy's file: there, right, and to be read by whom the daemon becomes."""
    from plugin.offline.policy import load_policy

    name, file = "policy", settings.policy.file
    if file is None:
        return skipped(name, "policy.file is not set: no rule isolates anybody")
    try:
        found = load_policy(file, settings.data)
    except PolicyError as error:
        more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
        return failed(name, f"{error.problems[0]}{more}", f"see 'halia policy check {file}'")
    with seen_by(account):
        if not may(file, os.R_OK):
            return failed(
                name,
                f"{file} may not be read by {account.name}: a change of it is not taken up",
                f"let {account.name} read it",
            )
    enforced = sum(rule.mode == "enforce" for rule in found.rules)
    return ok(name, f"{file}: {len(found.rules)} rules, {enforced} of them enforced")


def user(settings: Settings) -> Check:
    """The user to become once the interface is open."""
    from plugin.capture.privileges import find_account
    from plugin.errors import OptionError

    name = settings.run.user
    if name is None:
        if os.geteuid() != 0:
            return ok("user", "this one, who is not root")
        return warn(
            "user",
            "root, from beginning to end",
            "set run.user to an ordinary user: root is needed only to open the interface",
        )
    try:
        account = find_account(name)
    except OptionError as error:
        return failed("user", str(error), "make that user, or set run.user to another")
    if os.geteuid() != 0:
        return skipped("user", f"{account.name}, whom only root can become")
    return ok("user", f"{account.name}, once the interface is open")


def _size(count: int) -> str:
    """Bytes in the unit that people would take."""
    number = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:  # noqa: PLR2004  # of each in the next
            return f"{number:.3g} {unit}"
        number /= 1024
    return f"{number:.3g} TiB"
