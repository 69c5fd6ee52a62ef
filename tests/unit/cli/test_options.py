from __future__ import annotations

import argparse
import io
from pathlib import Path

import pytest

from plugin.cli import options
from plugin.errors import OptionError


def parsed(*words: str, **which: bool) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    options.common(parser, **which)
    return parser.parse_args(words)


def test_the_common_options_are_there() -> None:
    words = ["a.pcap", "-", "--json", "--out", "o", "--force", "--model", "m"]
    args = parsed(*words, "--config", "c", "-q", "-vv", model=True, paths=True)
    assert args.paths == [Path("a.pcap"), Path("-")]
    assert (args.json, args.force, args.quiet, args.verbose) == (True, True, True, 2)
    assert (args.out, args.model, args.config) == (Path("o"), "m", Path("c"))


def test_only_what_was_asked_for_is_there() -> None:
    args = parsed(out=False, json=False)
    assert vars(args).keys() == {"config", "quiet", "verbose"}


def test_paths() -> None:
    assert options.path("~/x") == Path.home() / "x"
    assert options.path("a~b") == Path("a~b")
    with pytest.raises(argparse.ArgumentTypeError):
        options.path("")
    with pytest.raises(argparse.ArgumentTypeError, match="no such home"):
        options.path("~nobody-of-that-name/x")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("1.5s", 1.5), ("15m", 900), ("2h", 7200), ("1d", 86_400)]
)
def test_time_spans(text: str, seconds: float) -> None:
    assert options.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "-5m", "nan", "inf", "1e3", "15 m", "15w", "1.2.3", "٣"])
def test_no_time_spans(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="no time span"):
        options.duration(text)


def test_standard_input_is_read_when_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert options.input_paths(argparse.Namespace(paths=[])) == [Path("-")]
    assert options.input_paths(argparse.Namespace(paths=[Path("a")])) == [Path("a")]
    monkeypatch.setattr("sys.stdin", Terminal())
    with pytest.raises(OptionError, match="no capture was named"):
        options.input_paths(argparse.Namespace(paths=[]))
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(OptionError):
        options.input_paths(argparse.Namespace(paths=[]))


def test_windows_have_a_length() -> None:
    assert options.window("15m") == 900
    for text in ("0", "0s", "0.0001"):
        with pytest.raises(argparse.ArgumentTypeError, match="no length of a window"):
            options.window(text)
    with pytest.raises(argparse.ArgumentTypeError, match="longer than any capture"):
        options.duration("9" * 400)


def test_devices_are_addresses() -> None:
    assert options.device("0E-00-00-00-00-01") == "0e:00:00:00:00:01"
    with pytest.raises(argparse.ArgumentTypeError, match="'foo' is no MAC or IP address"):
        options.device("foo")


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("4096", 4096), ("64K", 65536), ("1g", 1 << 30)]
)
def test_sizes(text: str, expected: int) -> None:
    assert options.size(text) == expected


@pytest.mark.parametrize("text", ["", "K", "-1", "1.5M", "1X", "ten", "1 M", "٣"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        options.size(text)
