"""A Dask cluster for tests: a scheduler and workers, processes of their own, on loopback only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.certificates import Pair

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK, PLACE = "127.0.0.1", "scheduler.json"


class Keys(NamedTuple):
    """What the cluster speaks TLS with."""

    authority: Path
    own: Pair


class Cluster(NamedTuple):
    """Its processes, and where it answers."""

    address: str
    folder: Path
    keys: Keys | None
    started: list[subprocess.Popen[bytes]]
    """The scheduler, then the workers."""

    def more(self) -> None:
        """Start another worker, of one thread."""
        words = ("--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--no-dashboard",
                 "--dashboard-address", f"{LOOPBACK}:0", "--death-timeout", "30")  # fmt: skip
        self.started.append(_start("worker", self.folder, words, self.keys, len(self.started)))

    def dead(self) -> list[int]:
        """What has ended, by exit codes: -9 for SIGKILL."""
        return [code for child in self.started if (code := child.poll()) is not None]


@contextmanager
def cluster(folder: Path, workers: int = 2, keys: Keys | None = None) -> Iterator[Cluster]:
    """A scheduler and workers; whatever comes, they are ended."""
    folder.mkdir(exist_ok=True)
    words = ("--port", "0", "--no-dashboard", "--dashboard-address", f"{LOOPBACK}:0")
    started = [_start("scheduler", folder, words, keys)]
    try:
        made = Cluster(_address(started[0], folder / PLACE), folder, keys, started)
        for _ in range(workers):
            made.more()
        yield made
    finally:
        for child in reversed(started):
            child.kill()
            child.wait()


def _start(
    what: str, folder: Path, words: tuple[str, ...], keys: Keys | None, number: int = 0
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--host", LOOPBACK]
    command += ["--scheduler-file", str(folder / PLACE), *words]
    if keys is not None:
        command += ["--protocol", "tls", "--tls-ca-file", str(keys.authority)]
        command += ["--tls-cert", str(keys.own.cert), "--tls-key", str(keys.own.key)]
    path = os.environ | {"PYTHONPATH": str(ROOT), "DASK_TEMPORARY_DIRECTORY": str(folder)}
    with (folder / f"{what}-{number}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=path, cwd=folder)


def _address(scheduler: subprocess.Popen[bytes], place: Path) -> str:
    """Where the scheduler answers, as soon as it has written that down."""
    while True:
        try:
            return str(json.loads(place.read_text())["address"])
        except (OSError, ValueError):
            try:
                scheduler.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            log = place.with_name("scheduler-0.log").read_text()
            raise AssertionError(f"the scheduler ended: {log}") from None
