"""``halia doctor`` beside a real Faucet and switch: what is wrong is found, its remedy helps."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plugin.control.server import ControlServer
from plugin.control.service import answers
from plugin.lab import Lab, parse_topology
from tests.checker import environment
from tests.labs import QUIET, need_lab, python, wait_for
from tests.services import Office

CONTROLLER = 'controller target="tcp:127.0.0.1:6654" connection_mode=out-of-band max_backoff=1000'
READ = """
    import socket, sys
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(sys.argv[1])
        s.recv(1)
        print("reads", flush=True)
        while s.recv(65536):
            pass
"""


class Site:
    """A lab, with settings that fit it."""

    def __init__(self, lab: Lab, folder: Path, probe: str | None) -> None:
        self.lab = lab
        self.control = folder / "halia.sock"
        self.config = folder / "halia.yaml"
        sections = {
            "run": {"state": str(folder)},
            "capture": {"iface": "lo", "quota": 0},
            "control": {"socket": str(self.control)},
            "faucet": {
                "config": str(lab.faucet_yaml),
                "socket": str(lab.event_socket),
                "page": lab.prometheus_url,
                "environment": str(environment()),
                "probe": probe,
            },
        }
        self.config.write_text(json.dumps(sections))

    def run(self, *words: str) -> tuple[int, str]:
        """Run a command beside the switch."""
        variables = ["env", f"OVS_RUNDIR={self.lab.folder}/ovs"]
        done = self.lab.run(None, [*variables, *words], timeout=120)
        return done.returncode, done.stdout

    def doctor(self) -> tuple[int, dict[str, dict[str, Any]]]:
        """Run the doctor; give its exit code, and its checks by name."""
        halia = [sys.executable, "-m", "plugin", "doctor", "--json", "--config", str(self.config)]
        code, text = self.run(*halia)
        checks = [json.loads(line) for line in text.splitlines()]
        return code, {check["name"]: check for check in checks}

    def state(self, name: str) -> tuple[str, str]:
        """What the doctor says of one thing."""
        check = self.doctor()[1][name]
        return check["state"], check["what"]


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    need_lab()
    with Lab(parse_topology(QUIET), activity=False) as lab:
        yield Site(lab, tmp_path, request.param)


@pytest.mark.parametrize("site", ["127.0.0.1:6654"], indirect=True)
def test_the_doctor_in_a_real_network(site: Site) -> None:
    pytest.importorskip("os_ken", reason="os-ken (extra sdn) is not installed")
    code, found = site.doctor()
    assert code == 4
    assert {n for n, c in found.items() if c["state"] == "failed"} == {"hook"}
    assert found["probe"]["state"] == "warn"

    # Each remedy is carried out as it stands.
    install = found["hook"]["remedy"].split()[1:]
    more = ["--faucet", str(environment()), "--yes", "--quarantine-vid", "666"]
    assert site.run(sys.executable, "-m", "plugin", *install, *more)[0] == 0
    added = ["--", "--id=@c", "create", *CONTROLLER.split()]
    added += ["--", "add", "bridge", "sw1", "controller", "@c"]
    assert site.run("ovs-vsctl", *added)[0] == 0

    # Faucet fills the switch anew, which is away from it for a moment.
    wanted = {"event feed", "faucet page", "faucet.yaml", "hook", "auto revert", "fail mode"}
    wanted |= {"faucet checker", "probe", "capture right", "models"}

    def well() -> bool:
        code, found = site.doctor()
        good = {name for name, check in found.items() if check["state"] == "ok"}
        return code == 0 and good >= wanted

    wait_for(well, "everything to be well", 60)
    assert site.state("probe")[1] == "1 switches call 127.0.0.1:6654"

    assert site.run("ovs-vsctl", "set-fail-mode", "sw1", "standalone")[0] == 0
    code, found = site.doctor()
    assert code == 4
    assert found["fail mode"]["remedy"] == "ovs-vsctl set-fail-mode sw1 secure"
    assert site.run(*found["fail mode"]["remedy"].split())[0] == 0
    assert site.state("fail mode")[0] == "ok"


@pytest.mark.parametrize("site", [None], indirect=True)
def test_the_doctor_and_the_only_place_at_faucets_socket(site: Site) -> None:
    pipe = subprocess.PIPE
    with site.lab.start(None, python(READ, str(site.lab.event_socket)), stdout=pipe) as reader:
        assert reader.popen.stdout is not None
        assert reader.popen.stdout.readline() == "reads\n"
        state, what = site.state("event feed")
        assert state == "failed"
        assert "somebody else reads it" in what
        # A Halia that has it is asked.
        server = ControlServer(site.control, answers(Office()))
        server.start()
        try:
            assert site.state("event feed") == ("ok", "the Halia that runs has it")
        finally:
            server.stop()
        assert reader.popen.poll() is None, "it was not cut off"
    # Faucet notices that it has left when it has something to tell.
    site.lab.run("h1", ["ping", "-c", "1", "-W", "1", "10.0.0.12"])
    wait_for(lambda: site.state("event feed")[0] == "ok", "the place to be free again")
