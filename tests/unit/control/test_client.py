"""Asking, and what is told when nobody answers as one should."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plugin.control.client import ask, stream
from plugin.control.protocol import LINE_MAX, Request
from plugin.errors import DeniedError, HaliaError, OptionError, PeerError
from tests.services import PRINTER, STATUS, serving

STATUS_ASK = Request(ask="status")


def test_answers(tmp_path: Path) -> None:
    with serving(tmp_path / "s"):
        assert ask(tmp_path / "s", STATUS_ASK) == [STATUS]
        (one,) = ask(tmp_path / "s", Request(ask="device", arguments={"key": PRINTER}, id=7))
        assert one["mac"] == PRINTER
        assert ask(tmp_path / "s", Request(ask="device", arguments={"key": "x"})) == []
        watched = stream(tmp_path / "s", Request(ask="watch"), None)
        assert next(watched)["event"] == "device"
        watched.close()  # type: ignore[attr-defined]  # it is a generator


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="no Halia runs here") as caught:
        ask(tmp_path / "s", STATUS_ASK)
    assert caught.value.exit_code == 3
    assert "halia run" in str(caught.value)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "s"))
    with pytest.raises(PeerError, match="no Halia runs here"):
        ask(tmp_path / "s", STATUS_ASK)


def test_what_the_daemon_cannot_make_sense_of(tmp_path: Path) -> None:
    with serving(tmp_path / "s"):
        with pytest.raises(OptionError, match="no such ask"):
            ask(tmp_path / "s", Request(ask="dance"))
        with pytest.raises(OptionError, match="longer than"):
            ask(tmp_path / "s", Request(ask="device", arguments={"key": "x" * LINE_MAX}))


@contextmanager
def saying(path: Path, content: bytes, *, listening: bool = True) -> Iterator[None]:
    """A daemon that says this to whoever comes, and goes."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            if listening:
                connection.recv(65536)
            connection.sendall(content)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            thread.join()
            path.unlink()


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (b"", PeerError, "ended before its answer"),
        (b'{"halia":1,"id":1,"answer":{}}\n', PeerError, "ended before its answer"),
        (b'{"halia":1,"id":1,"ans', PeerError, "ended before its answer"),
        (b"HTTP/1.1 400 Bad Request\r\n", PeerError, "does not speak our language"),
        (b'{"halia":1,"id":9,"end":true}\n', PeerError, "nobody asked"),
        (b"x" * (LINE_MAX + 70_000), PeerError, "line without end"),
        (
            b'{"halia":1,"id":1,"problem":{"kind":"refused","reason":"no"}}\n',
            DeniedError,
            "no",
        ),
        (
            b'{"halia":1,"id":1,"problem":{"kind":"denied","reason":"no","advice":"ask"}}\n',
            DeniedError,
            "no; ask",
        ),
        (
            b'{"halia":1,"id":null,"problem":{"kind":"busy","reason":"full","advice":"wait"}}\n',
            PeerError,
            "full; wait",
        ),
    ],
)
def test_daemons_that_are_none(
    tmp_path: Path, content: bytes, kind: type[HaliaError], words: str
) -> None:
    with saying(tmp_path / "s", content), pytest.raises(kind) as caught:
        ask(tmp_path / "s", STATUS_ASK)
    assert words in str(caught.value)


def test_one_that_is_turned_away_before_it_has_asked_is_told_why(tmp_path: Path) -> None:
    problem = b'{"halia":1,"id":null,"problem":{"kind":"busy","reason":"full"}}\n'
    with (
        saying(tmp_path / "s", problem, listening=False),
        pytest.raises(PeerError, match="full"),
    ):
        ask(tmp_path / "s", STATUS_ASK)


def test_one_that_does_not_answer(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        with pytest.raises(PeerError, match="does not answer"):
            ask(tmp_path / "s", STATUS_ASK, timeout=0.1)


def test_one_that_is_closed_to_us(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("nothing is closed to root: tests/unit/control/test_server.py")
    with serving(tmp_path / "s"):
        (tmp_path / "s").chmod(0)
        with pytest.raises(DeniedError, match=r"control\.group"):
            ask(tmp_path / "s", STATUS_ASK)
