"""``halia devices`` asked of a real control socket."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plugin.cli.device_rows import HEADER
from plugin.cli.main import main
from plugin.control.service import alarm_event, decision_event, device_event
from plugin.policy.decision import decision_document
from tests.cases import step
from tests.labs import wait_for
from tests.nobody import as_nobody
from tests.services import (
    GHOST,
    LAPTOP,
    NOW,
    PRINTER,
    Office,
    case,
    device,
    open_folder,
    serving,
)
from tests.terminals import plain, terminal

ROOT = Path(__file__).resolve().parents[3]
HALIA = [sys.executable, "-m", "plugin"]
Said = Callable[..., str]


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """What a command prints, with a daemon that serves the office."""

    def run(*words: str, code: int = 0) -> str:
        with serving(tmp_path / "s"):
            assert main([*words, "--socket", str(tmp_path / "s")]) == code
        return capsys.readouterr().out

    return run


def test_list(said: Said) -> None:
    head, *rows = said("devices", "list").splitlines()
    assert head.split() == list(HEADER)
    assert [row.split()[0] for row in rows] == [LAPTOP, GHOST, PRINTER]
    assert rows[2].endswith("It behaves as the printer that it is.")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--sort", "port"], [PRINTER, LAPTOP, GHOST]),
        (["--state", "ok", "--state", "suspect"], [LAPTOP, PRINTER]),
        (["--role", "printer"], [PRINTER]),
        (["--port", "sw2:7"], [GHOST]),
        (["--anomalous"], [LAPTOP]),
        (["--role", "Toaster"], []),
    ],
)
def test_list_some_as_json(said: Said, options: list[str], found: list[str]) -> None:
    lines = said("devices", "list", "--json", *options).splitlines()
    assert [json.loads(line)["mac"] for line in lines] == found


def test_list_of_none_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(tmp_path / "s"):
        assert main(["devices", "list", "--role", "x", "--socket", str(tmp_path / "s")]) == 0
    assert "no device is as wanted" in capsys.readouterr().err


def test_list_to_a_file(said: Said, tmp_path: Path) -> None:
    assert said("devices", "list", "--json", "--out", str(tmp_path / "out")) == ""
    assert len((tmp_path / "out").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    "key", [LAPTOP, LAPTOP.upper().replace(":", "-"), "10.0.0.12", "FE80::2", "Ann-Laptop"]
)
def test_show(said: Said, key: str) -> None:
    text = said("devices", "show", key)
    assert text.startswith(f"{LAPTOP}  ann-laptop\n")
    assert "412 hosts on port 445 in 60 s" in text
    assert "history" in text
    assert json.loads(said("devices", "show", key, "--json"))["history"][0]["kind"] == "finding"


@pytest.mark.parametrize("key", ["10.9.9.9", "printer", ""])
def test_show_what_is_not_there(said: Said, key: str) -> None:
    assert said("devices", "show", key, code=4) == ""


def test_list_says_what_is_decided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    office = Office([device(PRINTER), device(LAPTOP, state="isolated", case=case(7))])
    with serving(tmp_path / "s", office):
        assert main(["devices", "list", "--socket", str(tmp_path / "s")]) == 0
        out = capsys.readouterr().out
        assert "7: quarantine by scanners, now, proven" in out
        words = ["devices", "list", "--state", "isolated", "--json"]
        assert main([*words, "--socket", str(tmp_path / "s")]) == 0
    (one,) = capsys.readouterr().out.splitlines()
    assert json.loads(one)["mac"] == LAPTOP


@pytest.mark.parametrize("words", [["list"], ["show", PRINTER], ["watch"]])
def test_no_daemon(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", *words, "--socket", str(tmp_path / "none")]) == 3
    assert "no Halia runs here" in capsys.readouterr().err


def test_a_user_who_may_not() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with open_folder() as folder, serving(folder / "s"):
        words = [*HALIA, "devices", "list", "--socket", str(folder / "s")]
        done = subprocess.run(
            as_nobody(words, ROOT, folder), cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert done.returncode == 4
    assert "control.group" in done.stderr


def test_at_a_terminal_it_fits_and_is_coloured(tmp_path: Path) -> None:
    words = [*HALIA, "devices", "list", "--socket", str(tmp_path / "s")]
    with serving(tmp_path / "s"):
        with terminal(words, ROOT, columns=80) as one:
            text = one.read_all()
        with terminal(words, ROOT, columns=80, NO_COLOR="1") as one:
            without = one.read_all()
    assert "\x1b[31msuspect\x1b[0m" in text
    assert plain(text) == without
    assert "\x1b" not in without
    assert max(map(len, without.splitlines())) <= 80
    assert "\n    It asked 412 hosts" in without


def lines_of(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


@pytest.mark.parametrize("as_json", [False, True])
def test_watch_as_lines(tmp_path: Path, *, as_json: bool) -> None:
    words = [*HALIA, "devices", "watch", "--state", "suspect", "--socket", str(tmp_path / "s")]
    words += ["--json"] if as_json else []
    with serving(tmp_path / "s") as server:
        pipe = subprocess.PIPE
        with subprocess.Popen(words, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
            wait_for(server.watchers, "it to watch")
            (first,) = lines_of(process, 1)
            if as_json:
                assert json.loads(first)["device"]["mac"] == LAPTOP
                assert json.loads(lines_of(process, 1)[0])["event"] == "current"
            else:
                assert first[20:].startswith(f"  {LAPTOP}  sw1:2  suspect")
            server.publish(device_event(device(PRINTER, state="ok")))
            server.publish(device_event(device(PRINTER, state="suspect")))
            server.publish(alarm_event(NOW, "disk", None, "is\nfull"))
            server.publish(decision_event(decision_document(step(reason="a\nscan"))))
            changed, alarm, decision = lines_of(process, 3)
            if as_json:
                assert json.loads(changed)["device"]["state"] == "suspect"
                assert json.loads(alarm)["text"] == "is\nfull"
                assert json.loads(decision)["decision"]["number"] == 7
            else:
                assert changed[20:].startswith(f"  {PRINTER}  sw1:1  suspect")
                assert alarm == "2023-11-14T22:13:20Z  alarm disk: is\\nfull"
                begin = "2023-11-14T22:13:20Z  decision 02:00:00:00:00:0a: case 7, quarantine"
                assert decision.startswith(begin)
                assert ": a\\nscan (" in decision
            server.stop()
            assert process.wait() == 3
            assert process.stderr is not None
            assert "the daemon ended" in process.stderr.read()


def test_watch_at_a_terminal(tmp_path: Path) -> None:
    pytest.importorskip("rich", reason="rich (extra live) is not installed")
    words = [*HALIA, "devices", "watch", "--socket", str(tmp_path / "s")]
    with serving(tmp_path / "s") as server, terminal(words, ROOT, columns=150) as one:
        one.read_until("It behaves as the printer that it is.")
        server.publish(device_event(device(PRINTER, state="suspect", why="It went mad.")))
        server.publish(alarm_event(NOW, "disk", None, "is full"))
        one.read_until("It went mad.")
        one.read_until("alarm disk: is full")
        one.interrupt()
        one.read_all()
        assert one.process.wait() == 130
        wait_for(lambda: not server.watchers(), "it to be gone")


def test_watch_ends_with_its_reader(tmp_path: Path) -> None:
    words = [*HALIA, "devices", "watch", "--json", "--socket", str(tmp_path / "s")]
    with serving(tmp_path / "s") as server:
        process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        lines_of(process, 1)
        assert process.stdout is not None
        process.stdout.close()
        wait_for(server.watchers, "it to watch")
        server.publish(device_event(device(PRINTER)))
        assert process.wait() == 0


def test_watch_ends_quietly_on_an_interrupt(tmp_path: Path) -> None:
    words = [*HALIA, "devices", "watch", "--json", "--socket", str(tmp_path / "s")]
    with serving(tmp_path / "s"):
        pipe = subprocess.PIPE
        with subprocess.Popen(words, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
            lines_of(process, 4)
            process.send_signal(signal.SIGINT)
            assert process.wait() == 130
            assert process.stderr is not None
            assert process.stderr.read() == ""
