"""What the commands that ask the daemon share."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import pytest

from plugin.cli import asking


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    asking.common(parser)
    return parser.parse_args(words)


def test_where_the_socket_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asking.socket_of(parsed()) == Path("/run/halia/halia.sock")
    (tmp_path / "halia.yaml").write_text("control: {socket: /run/other.sock}\n")
    config = ["--config", str(tmp_path / "halia.yaml")]
    assert asking.socket_of(parsed(*config)) == Path("/run/other.sock")
    monkeypatch.setenv("HALIA_CONTROL_SOCKET", "/run/third.sock")
    assert asking.socket_of(parsed(*config)) == Path("/run/third.sock")
    assert asking.socket_of(parsed(*config, "--socket", "/run/x")) == Path("/run/x")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-3, "0 s"), (0, "0 s"), (59.4, "59 s"), (60, "1 min"), (7199, "1 h"), (3 * 86_400, "3 d")],
)
def test_ago(seconds: float, told: str) -> None:
    assert asking.ago(seconds) == told


def test_a_file_is_as_wide_as_it_likes_and_has_no_colours() -> None:
    assert asking.width_of(io.StringIO()) is None
    assert not asking.coloured(io.StringIO())


def test_no_colour_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", terminal := io.StringIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert asking.coloured(terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not asking.coloured(terminal)


def test_the_time() -> None:
    assert asking.now() > 1_700_000_000
