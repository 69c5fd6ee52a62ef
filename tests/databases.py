"""Real PostgreSQL and MariaDB servers of a test's own, on loopback, gone with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from plugin.store.database import place
from tests.nobody import NOBODY, as_nobody
from tests.rabbit import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 60
KINDS = ("sqlite", "postgresql", "mariadb")


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Start a server of a kind (or none, for SQLite); give the URL of its empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'state.sqlite'}"
        return
    (port,) = free_ports(1)
    data = folder / "data"
    data.mkdir()
    if os.geteuid() == 0:  # neither server runs as root
        shutil.chown(data, NOBODY, NOBODY)
        data.chmod(0o700)
    init, serve, url = {"postgresql": _postgresql, "mariadb": _mariadb}[kind](data, port)
    with (folder / "log").open("ab") as log:
        done = subprocess.run(as_nobody(init, data), stdout=log, stderr=log, check=False)
        if done.returncode:
            pytest.fail((folder / "log").read_text(errors="replace")[-2000:])
        server = subprocess.Popen(as_nobody(serve, data), stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail((folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.1)
        yield url
    finally:
        # PostgreSQL's way to end without waiting for its clients; MariaDB does not know it.
        server.send_signal(signal.SIGINT if kind == "postgresql" else signal.SIGTERM)
        server.wait()


def _postgresql(data: Path, port: int) -> tuple[list[str], list[str], str]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        pytest.skip("postgresql is not installed")
    init = [str(found[-1].with_name("initdb")), "-D", str(data), "-U", "halia", "-N"]
    init += ["--auth=trust", "-E", "UTF8", "--no-locale"]
    serve = [str(found[-1]), "-D", str(data), "-p", str(port), "-F"]
    serve += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    return init, serve, f"postgresql://halia:secret@127.0.0.1:{port}/postgres"


def _mariadb(data: Path, port: int) -> tuple[list[str], list[str], str]:
    server = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
    if server is None:
        pytest.skip("mariadb-server-core is not installed")
    (data / "halia").mkdir()  # a database is a folder, and without tables of rights
    shutil.chown(data / "halia", *([NOBODY, NOBODY] if os.geteuid() == 0 else [os.geteuid()]))
    init = ["true"]  # there is nothing to make before
    serve = [server, "--no-defaults", f"--datadir={data}", f"--port={port}", "--skip-grant-tables"]
    serve += ["--bind-address=127.0.0.1", f"--socket={data}/s", f"--pid-file={data}/p"]
    return init, serve, f"mariadb://halia:secret@127.0.0.1:{port}/halia"


def _answers(url: str) -> bool:
    """An open port is not enough: PostgreSQL opens it before it lets anyone in."""
    engine = create_engine(place(url))
    try:
        engine.connect().close()
    except OperationalError:
        return False
    finally:
        engine.dispose()
    return True
