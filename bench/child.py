"""Run one contender in a fresh process and measure it: CPU, wall time, peak memory, counts."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Measured(NamedTuple):
    """One run of one contender.

    Attributes:
        cpu_s: user + system seconds of the child and of the children it waited for.
        wall_s: seconds from start to end.
        rss_mb: peak resident memory of the largest process of the child, MB (2**20 bytes).
        packets: frames it says it found, None when it doesn't say.
        sessions: sessions it says it found, None when it doesn't say.
    """

    cpu_s: float
    wall_s: float
    rss_mb: float
    packets: int | None
    sessions: int | None


class ContenderFailedError(Exception):
    """A contender ended with an error; the message has the end of its stderr."""


SLOWED_BY = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONDEVMODE", "PYTHONWARNINGS")
"""Settings of a developer's shell under which no user runs Python: the first makes every
start compile its sources again."""


def child_environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """The environment of a contender: ours without what would slow any Python, and its own."""
    kept = {name: value for name, value in os.environ.items() if name not in SLOWED_BY}
    return kept | dict(extra or {})


def _spawn(argv: Sequence[str], out: int, err: int, env: Mapping[str, str]) -> int:
    """Start a process whose stdout and stderr are two open files."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, out, 1),
        (os.POSIX_SPAWN_DUP2, err, 2),
    ]
    return os.posix_spawnp(argv[0], list(argv), dict(env), file_actions=actions)


def counts_of(output: bytes) -> tuple[int | None, int | None]:
    """Packets and sessions from the last JSON object on a contender's stdout, if any."""
    for line in reversed(output.splitlines()):
        if line.startswith(b"{"):
            try:
                found = json.loads(line)
            except ValueError:
                return None, None
            return found.get("packets"), found.get("sessions")
    return None, None


def run_child(
    argv: Sequence[str], env: Mapping[str, str] | None = None, *, keep_output: bool = True
) -> Measured:
    """Run a command once.

    ``wait4`` gives the CPU time of exactly this child. Linux counts the parent's size at the
    fork into the child's peak memory, so the bench itself stays small: it imports no numpy
    and generates its files in children.

    Args:
        argv: command and arguments.
        env: additions to the environment.
        keep_output: read counts from stdout; False sends it to the null device.

    Returns:
        What was measured.

    Raises:
        ContenderFailedError: it could not be started or its exit status was not 0.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            started = time.perf_counter()
            target = out.fileno() if keep_output else null
            child = _spawn(argv, target, err.fileno(), child_environment(env))
            _, status, usage = os.wait4(child, 0)
            wall = time.perf_counter() - started
        except OSError as error:
            raise ContenderFailedError(f"{argv[0]}: {error.strerror}") from error
        finally:
            os.close(null)
        if status != 0:
            err.seek(0)
            said = err.read().decode(errors="replace").strip().splitlines() or [""]
            code = os.waitstatus_to_exitcode(status)
            raise ContenderFailedError(f"exit {code}: {said[-1][-200:]}")
        out.seek(0)
        packets, sessions = counts_of(out.read()) if keep_output else (None, None)
    rss = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)
    return Measured(usage.ru_utime + usage.ru_stime, wall, rss, packets, sessions)
