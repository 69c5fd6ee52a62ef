"""Faucet as the doctor finds it: page, configuration, process, bridges, checker, probe."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plugin.errors import PeerError
from plugin.faucet.hook import Options
from plugin.faucet.install import Plan
from plugin.offline import faucet
from plugin.offline.doctor import controller
from plugin.offline.doctor.check import Check, State
from plugin.offline.doctor.daemon import Daemon
from tests.checker import environment
from tests.doctors import wanted

OK, WARN, FAILED, SKIPPED = State
NOBODY_RUNS = Daemon(None, PeerError("no Halia runs here"))
TEXT = """\
vlans:
  v: {vid: 100}
dps:
  sw1:
    dp_id: 1
    interfaces:
      1: {native_vlan: v}
      9: {output_only: true}
"""
BRIDGES = {
    "headings": ["name", "fail_mode", "datapath_id"],
    "data": [["br0", "{mode}", "0000000000000001"]],
}


@contextmanager
def answering(page: str) -> Iterator[str]:
    """A server whose page this is; gives its address."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def status_of(dp: int, status: int) -> str:
    return f'dp_status{{dp_id="{dp:#x}",dp_name="sw{dp}"}} {status}\n'


@pytest.mark.parametrize(
    ("page", "state", "words"),
    [
        (status_of(1, 1) + status_of(2, 1), OK, "2 switches, 0 learned addresses"),
        (status_of(1, 1) + status_of(2, 0), WARN, "away: 0x2"),
        (status_of(1, 0), FAILED, "Faucet has no switch (1 are away)"),
        ("<html>it works</html>", FAILED, "Faucet has no switch"),
    ],
)
def test_the_page(tmp_path: Path, page: str, state: State, words: str) -> None:
    with answering(page) as url:
        found = controller.page(wanted(tmp_path, faucet__page=url))
    assert found.state is state
    assert words in found.what


def test_no_page(tmp_path: Path) -> None:
    with answering("") as url:
        pass
    found = controller.page(wanted(tmp_path, faucet__page=url))
    assert found.state is FAILED
    assert "FAUCET_PROMETHEUS" in str(found.remedy)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    config = tmp_path / "etc" / "faucet.yaml"
    config.write_text(TEXT)
    return config


def configured(config: Path) -> dict[str, Check]:
    settings = wanted(config.parent.parent, faucet__config=config)
    return {check.name: check for check in controller.configuration(settings)}


def install(config: Path) -> None:
    place = faucet.read_place(config)
    running = faucet.Running(environment=environment(), reload=False)
    plan = faucet.installation(place, Options(), running)
    assert isinstance(plan, Plan)
    faucet.install(place, plan, running)


def test_a_configuration_that_cannot_be_read(config: Path) -> None:
    config.write_text("dps: [")
    found = configured(config)
    assert list(found) == ["faucet.yaml"]
    assert found["faucet.yaml"].state is FAILED
    config.unlink()
    assert configured(config)["faucet.yaml"].state is FAILED


def test_the_hook(config: Path) -> None:
    found = configured(config)
    assert found["faucet.yaml"].state is OK
    assert found["hook"].state is FAILED
    assert f"halia faucet install {config}" in str(found["hook"].remedy)
    install(config)
    found = configured(config)
    assert (found["hook"].state, found["hook"].what) == (OK, "installed, 1 ports hooked")
    faucet.read_place(config).include.unlink()
    found = configured(config)
    assert found["hook"].state is FAILED
    assert "is not there" in found["hook"].what


def test_rules_that_are_never_asked(config: Path) -> None:
    acls = (
        "acls:\n  all: [{rule: {actions: {allow: 1}}}]\n"
        "  more: [{rule: {dl_type: 0x806, actions: {allow: 0}}}]\n"
    )
    config.write_text(
        TEXT.replace("native_vlan: v}", "native_vlan: v, acls_in: [all, more]}") + acls
    )
    install(config)
    found = configured(config)["hook"]
    assert found.state is WARN
    assert "more" in found.what
    assert found.remedy == "see 'halia faucet status'"


@pytest.mark.parametrize(("value", "state"), [("1", FAILED), ("0", OK)])
def test_a_faucet_that_reverts(config: Path, tmp_path: Path, value: str, state: State) -> None:
    assert configured(config)["auto revert"].state is SKIPPED
    program = tmp_path / "faucet"
    program.write_text("import sys\nprint('runs', flush=True)\nsys.stdin.read()\n")
    variables = {"FAUCET_CONFIG": str(config), "FAUCET_CONFIG_AUTO_REVERT": value}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, program], env={**os.environ, **variables}, stdin=pipe, stdout=pipe
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"runs\n"
        found = configured(config)["auto revert"]
    assert found.state is state
    assert f"process {process.pid}" in found.what


@pytest.mark.parametrize(("mode", "state"), [("secure", OK), ("standalone", FAILED)])
def test_bridges(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, state: State
) -> None:
    tool = tmp_path / "bin" / "ovs-vsctl"
    tool.parent.mkdir()
    answer = json.dumps(BRIDGES).replace("{mode}", mode)
    tool.write_text(f"#!/bin/sh\necho '{answer}'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    found = configured(config)["fail mode"]
    assert found.state is state
    assert found.remedy == (None if state is OK else "ovs-vsctl set-fail-mode br0 secure")
    monkeypatch.setenv("PATH", "/nowhere")
    assert configured(config)["fail mode"].state is SKIPPED


def test_the_checker(tmp_path: Path) -> None:
    found = controller.checker(wanted(tmp_path, faucet__environment=environment()))
    assert found.state is OK
    assert found.what.endswith("check_faucet_config")
    found = controller.checker(wanted(tmp_path, faucet__environment=tmp_path))
    assert found.state is FAILED
    assert "faucet.environment" in str(found.remedy)


def test_a_probe_that_nobody_wants_or_that_the_daemon_has(tmp_path: Path) -> None:
    assert controller.probe(wanted(tmp_path), NOBODY_RUNS).state is SKIPPED
    settings = wanted(tmp_path, faucet__probe="127.0.0.1:6654")
    assert controller.probe(settings, Daemon({"probe": {"connected": True}})).state is OK
    found = controller.probe(settings, Daemon({"probe": {"connected": False}}))
    assert found.state is FAILED
    assert "set-controller" in str(found.remedy)


def test_a_probe_that_no_switch_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("os_ken", reason="os-ken (extra sdn) is not installed")
    monkeypatch.setattr(controller, "CALL_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as other:
        place = f"127.0.0.1:{other.getsockname()[1]}"
        taken = controller.probe(wanted(tmp_path, faucet__probe=place), NOBODY_RUNS)
    assert taken.state is FAILED
    assert place in taken.what
    found = controller.probe(wanted(tmp_path, faucet__probe=place), NOBODY_RUNS)
    assert (found.state, found.what) == (WARN, f"no switch has called {place}")
