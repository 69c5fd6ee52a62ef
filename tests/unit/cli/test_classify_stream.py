from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.capture import live as live_module
from plugin.capture.live import Batch, Settings
from plugin.cli.classify_stream import _Ending
from plugin.cli.main import main
from tests import frames as f
from tests.netml_files import write_capture


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_capture(tmp_path_factory.mktemp("captures") / "small.pcap")


@pytest.fixture(scope="module")
def model(small: Path) -> str:
    place = small.parent / "m"
    assert main(["learn", "-q", "-p", str(small), "-o", str(place), "--feat-type", "STATS"]) == 0
    return str(place)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_followed_file_tells_the_flows_of_the_whole(
    model: str, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["classify", "-m", model, "--follow", str(small), "--for", "0"]
    assert main([*words, "--json"]) == 0
    *flows, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert main(["classify", "-m", model, "--json", str(small)]) == 0
    whole = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for one in flows:
        del one["ended"]
    assert sorted(map(str, flows)) == sorted(str(one) for one in whole if one["kind"] == "flow")
    abnormal = sum(one["abnormal"] for one in flows)
    assert (summary["kind"], summary["flows"], summary["abnormal"]) == (
        "summary",
        len(flows),
        abnormal,
    )
    assert main(words) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert len(lines) == abnormal
    assert last.startswith(f"{abnormal} of {len(flows)} flows score above")
    assert main([*words, "--device", "10.9.9.9", "-q"]) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--for", "3"], "--for: goes with --follow or --live only"),
        (["--user", "nobody"], "--user: goes with --follow or --live only"),
        (["--follow", "x", "--live", "lo"], "--live: is one input"),
        (["--follow", "x", "y.pcap"], "--follow: y.pcap is one input"),
        (["--follow", "x", "--out", "y"], "--out: does not go with --follow"),
        (["--follow", "x", "--user", "nobody"], "--user: goes with --live only"),
        (["--follow", "/none/such"], "cannot be read"),
        (["--live", "no-such-nic"], "no-such-nic"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    model: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", "-m", model, *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1


def test_only_models_of_flows_score_streams(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "--live", "lo"]) == 2
    assert "--live: is for models of flows" in capsys.readouterr().err


class FakeCapture:
    """Two polls: frames, then nothing; they are of long ago, so the quiet ends their flows."""

    def __init__(self, settings: Settings, *, feed: object) -> None:
        assert settings.stream
        assert feed is None
        frames = [f.tcp_frame(k / 10, f.ACK) for k in range(4)]
        self._batches = [f.pcap(*frames), b""]

    def poll(self, now: float, timeout: float) -> Batch:
        del now, timeout
        if not self._batches:
            signal.raise_signal(signal.SIGTERM)
            return Batch([], [], [], [], b"", True)
        content = self._batches.pop(0)
        return Batch([], [], [], [], content, not content)

    def stop(self, now: float, pause: object) -> Batch:
        assert now > 0
        assert callable(pause)
        return Batch([], [], [], [], b"", False)

    def counters(self) -> object:
        return type("Counters", (), {"kernel_drops": 2, "unread": 1})()


def test_a_live_interface_is_scored_while_it_is_quiet(
    model: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(live_module, "open_feed", lambda _: None)
    monkeypatch.setattr(live_module, "LiveCapture", FakeCapture)
    assert main(["classify", "-m", model, "--live", "lo", "--json"]) == 0
    said = capfd.readouterr()
    flow, summary = map(json.loads, said.out.splitlines())
    assert (flow["source"], flow["packets"], flow["ended"]) == ("lo", 4, "pause")
    assert summary["packets"] == 4
    assert "3 frames were missed" in said.err


def test_a_second_signal_ends_at_once() -> None:
    ending = _Ending(None)
    assert not ending.over()
    ending.ask(signal.SIGTERM, None)
    assert ending.over()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert _Ending(0.0).over()
