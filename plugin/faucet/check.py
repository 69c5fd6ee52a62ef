"""Faucet's own parser as the judge of what we write, in a process of its own.

A candidate is laid out in a temporary folder under its real path, so that relative includes are
found as Faucet would find them, and nothing is written beside the live files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import FaucetFileError, PeerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CHECKER = "check_faucet_config"
SECONDS = 60.0
"""It needs one to three seconds, nearly all of them to start."""
_SKIPPED = "skipping optional include file: "


class Answer(NamedTuple):
    """What Faucet's parser says of a root file, before it is judged."""

    accepts: bool
    out: str
    """Its reason."""
    err: str
    """Its log."""


class Checked(NamedTuple):
    """What Faucet's parser said."""

    ok: bool
    said: str
    """Its words, verbatim; empty when it accepts."""


def find_checker(environment: Path | None = None, beside: Sequence[Path] = ()) -> Path:
    """Find Faucet's checker.

    Args:
        environment: the Python environment that Faucet runs in, or the checker itself; None looks
            on PATH, beside this interpreter, and in the other folders.
        beside: folders to look in last: where the programs of the running Faucet stand.

    Raises:
        PeerError: it is not there; nothing may be written unchecked.
    """
    if environment is not None:
        places = [environment, environment / "bin" / CHECKER, environment / CHECKER]
        found = next((str(p) for p in places if p.is_file() and os.access(p, os.X_OK)), None)
    else:
        folders = [Path(sys.executable).parent, *beside]
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, folders)])
        found = shutil.which(CHECKER, path=path)
    if found is None:
        raise PeerError(
            f"no {CHECKER}: nothing is written that Faucet's own parser has not accepted",
            where=str(environment or "PATH"),
            advice="name the environment that Faucet is installed in: --faucet FOLDER, or the"
            " setting faucet.environment",
        )
    return Path(found)


def check(
    checker: Path, root: Path, files: Mapping[Path, str], *, seconds: float = SECONDS
) -> Checked:
    """Have a configuration checked.

    Args:
        checker: see :func:`find_checker`.
        root: path of the root file.
        files: texts by path: the root file's, our include's, and the operator's includes'.
        seconds: how long it may take.

    Raises:
        FaucetFileError: there is no room to lay them out.
        PeerError: the checker itself fails.
    """
    with laid_out(files) as folder:
        done = _run(checker, inside(folder, root), seconds)
        return judged(folder, root, files, Answer(not done.returncode, done.stdout, done.stderr))


@contextmanager
def laid_out(files: Mapping[Path, str]) -> Iterator[str]:
    """Write texts into a temporary folder, each under its real path; gives the folder.

    Raises:
        FaucetFileError: there is no room for it.
    """
    with ExitStack() as stack:
        try:
            made = tempfile.TemporaryDirectory(prefix="halia-check-", ignore_cleanup_errors=True)
            folder = stack.enter_context(made)
            for path, text in files.items():
                copy = inside(folder, path)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            where = error.filename or tempfile.gettempdir()
            raise FaucetFileError(
                f"what would be written cannot be checked: {error.strerror}", where=str(where)
            ) from error
        yield folder


def inside(folder: str, path: Path) -> Path:
    """Tell where :func:`laid_out` put a file."""
    return Path(folder, *path.absolute().parts[1:])


def judged(folder: str, root: Path, files: Mapping[Path, str], answer: Answer) -> Checked:
    """Make a verdict of what the parser said of the files in that folder."""
    said = (answer.out + answer.err).replace(folder, "")
    if not answer.accepts:
        # All that it says is wanted, but what it loaded, and its traceback's way there.
        return Checked(ok=False, said=answer.out.replace(folder, "").strip() or said.strip())
    # An optional file that cannot be read is left out in silence, which for ours is no success.
    lost = [p for p in files if p != root and f"{_SKIPPED}{inside(folder, p)}" in answer.err]
    return Checked(ok=False, said=said.strip()) if lost else Checked(ok=True, said="")


def _run(checker: Path, root: Path, seconds: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603  # a program the operator named, on a file of ours
            [str(checker), str(root)],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise PeerError(f"no answer within {seconds:g} s", where=str(checker)) from error
    except OSError as error:
        raise PeerError(f"cannot be run: {error.strerror}", where=str(checker)) from error
