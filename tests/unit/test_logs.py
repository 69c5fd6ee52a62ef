"""Logs as lines: text, JSON, systemd's journal; passwords and floods."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin import logs

LOG = logging.getLogger("halia.test")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger(logs.NAME)
    kept = root.level, ours.level
    yield
    for one in [h for h in root.handlers if isinstance(h, logs.Limited)]:
        root.removeHandler(one)
        one.close()
    root.setLevel(kept[0])
    ours.setLevel(kept[1])


def record(
    message: str = "m", *args: object, at: float = 0.0, **fields: object
) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"name": "halia.x", "levelno": 30, "levelname": "WARNING", **fields}
    )
    made.msg, made.args, made.created = message, args, at
    return made


def fail(text: str) -> None:
    raise ValueError(text)


def test_text() -> None:
    out = io.StringIO()
    logs.configure("text", "info", out)
    LOG.warning("lost %d frames", 3, extra={"mac": "02:00:00:00:00:01", "capture": "a\nb"})
    LOG.debug("not told")
    line = out.getvalue()
    assert line[4] == "-"
    assert line.partition("Z ")[2] == (
        "warning halia.test: lost 3 frames mac=02:00:00:00:00:01 capture=a\\nb\n"
    )


def test_json() -> None:
    out = io.StringIO()
    logs.configure("json", "debug", out)
    LOG.debug(
        "x\ny", extra={"mac": "m", "n": 1, "bad": float("nan"), "path": Path("p"), "none": None}
    )
    document = json.loads(out.getvalue())
    assert document.pop("time").endswith("Z")
    assert document == {
        "level": "debug", "logger": "halia.test", "message": "x\ny", "mac": "m", "n": 1,
        "bad": "nan", "path": "p", "none": None,
    }  # fmt: skip


@pytest.mark.parametrize("kind", logs.KINDS)
def test_a_traceback_forges_no_line(kind: str) -> None:
    out = io.StringIO()
    logs.configure(kind, "info", out)
    try:
        fail("a\n2026-01-01T00:00:00Z info halia: all is well \x1b[2J")
    except ValueError:
        LOG.exception("failed")
    first, *rest = out.getvalue().splitlines()
    assert "ValueError" in out.getvalue()
    assert all(line.startswith("    ") for line in rest)
    assert "\x1b" not in out.getvalue()
    if kind == "json":
        assert not rest
        assert "ValueError: a" in json.loads(first)["traceback"]


@pytest.mark.parametrize("kind", logs.KINDS)
def test_passwords_are_not_told(kind: str) -> None:
    out = io.StringIO()
    logs.configure(kind, "info", out)
    LOG.warning("amqp://u:hunter2@host:5672/v and password=hunter2, 'token': 'hunter2'")
    LOG.warning("x", extra={"broker_password": "hunter2", "url": "postgresql://u:hun@ter2@h"})
    try:
        fail("amqps://u:hunter2@host")
    except ValueError:
        LOG.exception("no")
    assert "hunter2" not in out.getvalue()
    assert "ter2" not in out.getvalue()
    assert "amqp://u:***@host:5672/v" in out.getvalue()


def test_levels_and_other_libraries() -> None:
    logging.getLogger("pika").setLevel(logging.NOTSET)  # a connection makes it silent
    out = io.StringIO()
    logs.configure("text", "info", out)
    logging.getLogger("pika").info("chatter")
    logging.getLogger("pika").warning("matter")
    LOG.info("ours")
    assert "chatter" not in out.getvalue()
    assert "matter" in out.getvalue()
    assert "ours" in out.getvalue()
    logs.configure("text", "error", out)
    LOG.warning("too little")
    logging.getLogger("pika").warning("too little")
    assert "too little" not in out.getvalue()


def test_a_reload_replaces_the_handler() -> None:
    first, second = io.StringIO(), io.StringIO()
    logs.configure("text", "info", first)
    logs.configure("json", "info", second)
    LOG.info("once")
    assert first.getvalue() == ""
    assert len(second.getvalue().splitlines()) == 1


def test_a_flood_is_counted() -> None:
    out = io.StringIO()
    handler = logs.Limited(out, most=2)
    for number in range(314):
        handler.handle(record("alarm %d", number, at=number / 10, kind="alarm"))
    handler.handle(record("other", at=31.4, kind="other"))
    assert out.getvalue() == "alarm 0\nalarm 1\nother\n"
    handler.handle(record("other", at=60.0, kind="other"))
    assert out.getvalue().endswith("alarm 0 (and 312 more)\nother\n")
    handler.handle(record("alarm %d", 400, at=61.0, kind="alarm"))
    assert out.getvalue().endswith("other\nalarm 400\n")


def test_a_kind_is_a_line_of_code_whatever_it_says() -> None:
    out = io.StringIO()
    handler = logs.Limited(out, most=1)
    for number in range(5):
        handler.handle(record(f"a{number}", at=1.0, pathname="x.py", lineno=1))
        handler.handle(record("b", at=1.0, pathname="x.py", lineno=2))
    assert out.getvalue() == "a0\nb\n"
    handler.close()
    assert out.getvalue() == "a0\nb\na0 (and 4 more)\nb (and 4 more)\n"


def test_kinds_without_end_fill_no_memory() -> None:
    handler = logs.Limited(io.StringIO())
    for number in range(3000):
        handler.handle(record(at=1.0, kind=str(number)))
    assert len(handler._kinds) == 1000


def test_a_clock_that_goes_back_holds_nothing_up() -> None:
    out = io.StringIO()
    handler = logs.Limited(out, most=1)
    for at in (1000.0, 1000.0, 5.0, 5.0):
        handler.handle(record("a", at=at, kind="a"))
    assert out.getvalue() == "a\na (and 1 more)\na\n"


SCRIPT = """
import logging, os, sys
from plugin import logs
found = os.fstat(2)
os.environ["JOURNAL_STREAM"] = f"{found.st_dev}:{found.st_ino + int(sys.argv[1])}"
logs.configure("text", "info")
try:
    raise ValueError("v")
except ValueError:
    logging.getLogger("halia").exception("failed")
logging.getLogger("halia").info("fine")
"""


@pytest.mark.parametrize("journal", [True, False])
def test_priorities_are_for_systemds_journal_alone(root: Path, *, journal: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "0" if journal else "1"],
        capture_output=True, text=True, check=True, cwd=root,
    )  # fmt: skip
    first, *trace, last = done.stderr.splitlines()
    if journal:
        assert (first, last) == ("<3>halia: failed", "<6>halia: fine")
        assert all(line.startswith("<3>    ") for line in trace)
    else:
        assert first.endswith("Z error halia: failed")
        assert "<" not in last


def test_nobody_who_reads_ends_nothing(root: Path) -> None:
    code = "import logging; from plugin import logs; logs.configure('text', 'info')\n"
    code += "for n in range(9): logging.getLogger('halia').info('x')\nprint('done')"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=write, check=False, cwd=root
    )
    os.close(write)
    assert done.stdout == b"done\n"
