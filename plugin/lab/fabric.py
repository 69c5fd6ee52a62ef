"""The daemons and cables of a lab, made inside its namespaces (by its first process)."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from plugin.errors import LabError
from plugin.lab import daemons, wiring
from plugin.lab.needs import rabbitmq_home
from plugin.lab.render import faucet_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from plugin.lab.daemons import Daemon
    from plugin.lab.topology import Topology

WAIT_SECONDS = 90.0
"""Longest wait for a part: a slow machine may take its time, a dead part is noticed at once."""
FOLDERS = ("ovs", "conf", "run", "log")
_PAUSE = 0.02
_TAIL = 12


class Fabric:
    """Switches, controller, broker, hosts' cables.

    Args:
        folder: where all their files go.
        topology: what to make.
        controller: the environment of the controller.
        stat_reload: whether it looks at the times of its files by itself.
    """

    def __init__(
        self, folder: Path, topology: Topology, controller: Path, *, stat_reload: bool = False
    ) -> None:
        self.folder = folder
        self.topology = topology
        self.controller = controller
        self._stat_reload = stat_reload
        self.born = time.monotonic()
        # Without the right to make a tun device `netdev` cannot make a bridge's own port; `dummy`
        # can do without, and forwards between real cables all the same.
        tun = os.access("/dev/net/tun", os.R_OK | os.W_OK)
        self.datapath = "netdev" if tun else "dummy"
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def prepare(self) -> None:
        """Make the folders and a /run/netns of this lab's own; switch IPv6 off."""
        for name in FOLDERS:
            (self.folder / name).mkdir()
        # /run itself is covered where it has no netns: a folder made there would be a trace.
        place = "/run/netns" if os.path.isdir("/run/netns") else "/run"  # noqa: PTH112 - no Path at the edge to mount
        self._do(["mount", "-t", "tmpfs", "tmpfs", place])
        os.makedirs("/run/netns", exist_ok=True)  # noqa: PTH103 - the same
        for name in ("all", "default"):
            self._try_write(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "1")
        self._do(["ip", "link", "set", "lo", "up"])
        conf = self.folder / "conf" / "faucet.yaml"
        conf.write_text(faucet_yaml(self.topology), encoding="utf-8")

    def start_switch(self) -> None:
        """Start Open vSwitch with an empty database."""
        self._do(daemons.ovs_database(self.folder))
        self._spawn(daemons.ovsdb_server(self.folder))
        # That the socket is there is not enough: it is bound some moments before anyone listens.
        self._wait("ovsdb", lambda: _accepts(self.folder / "ovs" / "db.sock"))
        self.vsctl(["--no-wait", "init"])
        self.start_vswitchd()

    def start_vswitchd(self) -> None:
        """Start the switch itself; what its database tells of bridges and ports it makes anew."""
        self._spawn(daemons.vswitchd(self.folder, self.datapath))

    def forget_wildcards(self) -> None:
        """Let the switch, once it has bridges, remember nothing wider than a single connection.

        Open vSwitch 3.1 in user space, when one of two cached flows that overlap is changed, may
        change the other one: frames then go by rules that are no more, as long as they come.
        Without wildcards none overlap.
        """
        place = str(self.folder / "ovs" / "vswitchd.ctl")
        words = ["ovs-appctl", "-t", place, "upcall/disable-megaflows"]

        def done() -> bool:
            try:
                self._do(words)
            except LabError:  # not before it has made its first bridge
                return False
            return True

        self._wait("switch", done)

    def wire(self) -> None:
        """Make namespaces, cables and bridges."""
        self._do(["ip", "-batch", "-"], text=wiring.namespace_commands(self.topology))
        environment = daemons.base_environment()
        scripts = [
            (
                host.name,
                subprocess.Popen(  # noqa: S603 - words of our own
                    ["ip", "netns", "exec", host.name, "sh", "-c", wiring.host_script(host)],  # noqa: S607 - found by our PATH
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                ),
            )
            for host in self.topology.hosts
        ]
        self.vsctl(wiring.bridge_commands(self.topology, self.datapath))
        self.forget_wildcards()
        for name, script in scripts:
            words = script.communicate()[1].decode(errors="replace").strip()
            if script.returncode:
                raise LabError(f"cannot be set up: {words}", where=name)

    def start_faucet(self) -> None:
        """Start the controller."""
        stat_reload = self._stat_reload
        self._spawn(daemons.faucet(self.folder, self.controller, stat_reload=stat_reload))

    def connect(self) -> None:
        """Let the switches call the controller once it listens, and wait for their flows."""
        self._wait("faucet", lambda: _listens(daemons.OPENFLOW_PORT))
        self.vsctl(wiring.controller_commands(self.topology))
        self.wait_for_flows()

    def wait_for_flows(self) -> None:
        """Wait until Faucet has filled every switch; they know it already."""
        self._wait("faucet", self._configured)

    def start_rabbitmq(self) -> None:
        """Start the broker (:meth:`wait_for_rabbitmq` waits for it)."""
        home = rabbitmq_home()
        if home is None:
            raise LabError("is not installed", where="rabbitmq-server")
        if not (self.folder / "mq").exists():
            daemons.prepare_rabbitmq(self.folder, home)
        self._spawn(daemons.rabbitmq(self.folder, home))

    def wait_for_rabbitmq(self) -> None:
        """Wait until the broker greets an AMQP client."""
        self._wait("rabbitmq", amqp_answers, pause=0.1)

    def metrics(self) -> str:
        """Read Faucet's Prometheus page.

        Raises:
            LabError: it does not answer.
        """
        try:
            with urllib.request.urlopen(daemons.PROMETHEUS_URL, timeout=5) as page:  # noqa: S310 - a constant
                content: bytes = page.read()
        except (OSError, urllib.error.URLError) as error:
            raise LabError(f"no metrics: {error}", where="faucet") from error
        return content.decode()

    def signal(self, name: str, number: int) -> int:
        """Send a signal to a daemon; SIGKILL and SIGTERM wait for its end. Gives its pid."""
        running = self._running.get(name)
        if running is None or running.poll() is not None:
            raise LabError("does not run", where=name)
        if number == signal.SIGKILL:  # a broker is a script and what that has started
            os.killpg(running.pid, number)
        else:
            running.send_signal(number)
        if number in {signal.SIGKILL, signal.SIGTERM}:
            running.wait(WAIT_SECONDS)
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.waitpid(-running.pid, 0)
        return running.pid

    def daemons(self) -> list[dict[str, Any]]:
        """Tell which daemons run, with their pids inside the lab."""
        return [
            {"name": name, "pid": popen.pid, "alive": popen.poll() is None}
            for name, popen in self._running.items()
        ]

    def collect(self, pid: int) -> bool:
        """Collect a child that has ended, if it is one of these daemons."""
        return any(p.poll() is not None for p in self._running.values() if p.pid == pid)

    def vsctl(self, words: list[str]) -> str:
        """Run one ovs-vsctl."""
        base = ["ovs-vsctl", f"--db={daemons.ovs_socket(self.folder)}", "--timeout=30"]
        return self._do([*base, *words])

    def _configured(self) -> bool:
        """Whether Faucet has taken its file and every switch has flows that no longer change."""
        try:
            page = self.metrics()
        except LabError:
            return False
        if re.search(r"^faucet_config_load_error 1", page, re.MULTILINE):
            raise LabError(f"faucet refuses the topology's ACLs: {self._tail('faucet.log')}")
        up = re.findall(r"^dp_status\{.*\} 1", page, re.MULTILINE)
        if len(up) != len(self.topology.switches):
            return False
        try:
            return all(self._flows(switch.name) > 0 for switch in self.topology.switches)
        except LabError:  # a switch that is only just starting has no socket yet
            return False

    def _flows(self, switch: str) -> int:
        place = f"unix:{self.folder}/ovs/{switch}.mgmt"
        text = self._do(["ovs-ofctl", "-O", "OpenFlow13", "dump-aggregate", place])
        found = re.search(r"flow_count=(\d+)", text)
        return int(found.group(1)) if found else 0

    def _spawn(self, daemon: Daemon) -> None:
        with (self.folder / "log" / f"{daemon.name}.out").open("ab") as log:
            self._running[daemon.name] = subprocess.Popen(  # noqa: S603 - words of our own
                daemon.argv,
                env=daemon.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait(self, name: str, condition: Callable[[], bool], *, pause: float = _PAUSE) -> None:
        """Wait for a daemon; its end or too long a wait is an error with its last words."""
        end = time.monotonic() + WAIT_SECONDS
        while not condition():
            if self._running[name].poll() is not None:
                raise LabError(f"has ended: {self._tail(f'{name}.out')}", where=name)
            if time.monotonic() > end:
                raise LabError(f"is not ready in {WAIT_SECONDS:.0f} s: {self._tail()}", where=name)
            time.sleep(pause)

    def _tail(self, *names: str) -> str:
        """Give the last words of logs: of those named, or of all."""
        logs = [self.folder / "log" / n for n in names] or sorted((self.folder / "log").iterdir())
        lines = [
            line
            for log in logs
            if log.is_file()
            for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:]
        ]
        return " | ".join(lines[-_TAIL:]) or "it says nothing"

    def _do(self, argv: Sequence[str], text: str | None = None) -> str:
        done = subprocess.run(  # noqa: S603 - words of our own
            argv,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            env=daemons.ovs_environment(self.folder),
        )
        if done.returncode:
            words = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
            raise LabError(f"fails: {words}", where=argv[0])
        return done.stdout

    @staticmethod
    def _try_write(file: str, text: str) -> None:
        try:
            with open(file, "w", encoding="ascii") as stream:  # noqa: PTH123 - a kernel's switch
                stream.write(text)
        except OSError:
            return  # a kernel without IPv6 has nothing to switch off


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _accepts(place: Path) -> bool:
    """Whether somebody listens on a unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        return peer.connect_ex(str(place)) == 0


def amqp_answers(port: int = daemons.AMQP_PORT) -> bool:
    """Whether a broker on the loopback greets: its first byte of Connection.Start is 1."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as peer:
            peer.settimeout(2)
            peer.sendall(b"AMQP\0\0\x09\x01")
            return peer.recv(1) == b"\x01"
    except OSError:
        return False
