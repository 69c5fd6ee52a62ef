"""The ways to Faucet: a process that is signalled, a page that is read, and nothing at all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from plugin.errors import FaucetFileError
from plugin.faucet import adapters, files
from plugin.faucet.adapters import CHOICES, adapter_of
from plugin.settings.table import SETTINGS

NOWHERE = "http://127.0.0.1:1"
PAGE = """\
faucet_config_hash_info{config_files="/etc/faucet.yaml,/etc/ours.yaml",hashes="aa,bb",error=""} 1.0
faucet_config_load_error 0.0
"""


@pytest.fixture
def page() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(PAGE.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_each_says_what_it_does(tmp_path: Path) -> None:
    for name in set(CHOICES) - {"confrpc"}:
        one = adapter_of(name, tmp_path, page=NOWHERE)
        assert one.name == name
        assert one.takes
        assert one.patience > 0
        assert one.warning is None
    (setting,) = [one for one in SETTINGS if one.key == "isolation.adapter"]
    assert setting.choices == CHOICES


def test_a_signal_reaches_the_process(tmp_path: Path) -> None:
    words = (
        "import signal, sys; signal.signal(signal.SIGHUP, lambda *_: sys.exit(7));"
        " print(flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", words], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        one = adapter_of("sighup", tmp_path / "faucet.yaml", pid=process.pid, page=NOWHERE)
        assert one.reload() is None
        assert process.wait(30) == 7
    why = one.reload()
    assert why is not None
    assert "cannot be signalled" in why


def test_a_faucet_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = adapter_of("sighup", tmp_path / "faucet.yaml", page=NOWHERE)
    why = one.reload()
    assert why is not None
    assert "no single running Faucet" in why
    sent: list[int] = []
    monkeypatch.setattr(files, "hang_up", sent.append)
    for reverts in ("1", "0"):
        found = files.Faucet(4711, {"FAUCET_CONFIG_AUTO_REVERT": reverts})
        monkeypatch.setattr(files, "find_faucet", lambda _, found=found: found)
        assert one.reload() is None
        assert (one.warning is not None) is (reverts == "1")
    assert sent == [4711] * 2


def test_stat_signals_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("signalled"))
    assert adapter_of("stat", tmp_path, pid=1, page=NOWHERE).reload() is None


def test_files_are_written_whole(tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    for name in ("sighup", "stat"):
        one = adapter_of(name, tmp_path, page=NOWHERE)
        assert one.write(file, name) == file.read_text() == name
        assert one.form(f"{name} # x") == f"{name} # x"
        with pytest.raises(FaucetFileError, match="cannot be written"):
            one.write(tmp_path / "none" / "x", "")
    assert [one.name for one in tmp_path.iterdir()] == ["ours.yaml"]


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    one = adapter_of("dry-run", tmp_path, pid=os.getpid(), page=NOWHERE)
    assert not one.writes
    assert one.reload() is None
    with pytest.raises(FaucetFileError, match="dry run"):
        one.write(tmp_path / "x", "")
    assert list(tmp_path.iterdir()) == []


def test_what_faucet_has_loaded(tmp_path: Path, page: str) -> None:
    heard = adapter_of("sighup", tmp_path, page=page).loaded()
    assert heard is not None
    assert [(one.path, one.sha256) for one in heard.files] == [
        ("/etc/faucet.yaml", "aa"),
        ("/etc/ours.yaml", "bb"),
    ]
    assert not heard.error
    assert adapter_of("sighup", tmp_path, page=NOWHERE).loaded() is None
    assert adapters.PAGE_SECONDS <= 1  # it is asked again soon
