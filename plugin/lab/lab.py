"""A lab as its user holds it: made on entering, gone on leaving, or when its maker is killed."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from plugin.errors import InputError, LabError, nearest
from plugin.lab import bad, control, daemons, needs, wiring
from plugin.lab.control import SPEC, TOPOLOGY
from plugin.lab.running import Running, kill_and_wait, only_child
from plugin.lab.schema import load_topology

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from plugin.lab.topology import Topology

UP_SECONDS = 180.0
"""Longest wait for a whole lab; each part of it has a shorter limit of its own."""
_NEWLINE = b"\n"


class Lab:
    """A network of one's own; use it in a ``with`` statement.

    Args:
        topology: what to make, or the file that tells.
        controller: "c65faucet", "faucet", or the path of an environment with ``bin/faucet``.
        rabbit: start a RabbitMQ too (some seconds more).
        activity: let hosts run the services and clients of their profiles.
        stat_reload: let Faucet look at the times of its files by itself.
        folder: where its files go; by default a new one in the place for temporary files.
            It goes with the lab.
        name: what to call it in ``status``.
        progress: called with each step that is done.
    """

    def __init__(  # noqa: PLR0913 - each may be left out, and most are
        self,
        topology: Topology | Path | str,
        *,
        controller: str = "c65faucet",
        rabbit: bool = False,
        activity: bool = True,
        stat_reload: bool = False,
        folder: Path | None = None,
        name: str | None = None,
        progress: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        if isinstance(topology, str | Path):
            topology = load_topology(topology)
        self.topology = topology
        self.name = name or topology.name
        self._spec: dict[str, Any] = {"name": self.name, "rabbit": rabbit, "activity": activity}
        self._spec["stat_reload"] = stat_reload
        self._controller = controller
        self._folder = folder
        self._progress = progress or (lambda _: None)
        self._popen: subprocess.Popen[bytes] | None = None
        self._first: int | None = None

    @classmethod
    def attach(cls, folder: Path) -> Lab:
        """Give a lab that runs in a folder (``halia lab up`` made it).

        Raises:
            LabError: none does.
        """
        first = control.first_pid(folder)
        if first is None:
            raise LabError("no lab is up", where=str(folder), advice="see 'halia lab up'")
        lab = cls(load_topology(folder / TOPOLOGY))
        lab._spec = json.loads((folder / SPEC).read_text(encoding="utf-8"))
        lab.name = lab._spec["name"]
        lab._folder, lab._first = folder, first
        return lab

    def __enter__(self) -> Self:
        """Make the lab."""
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the lab."""
        self.down()

    @property
    def folder(self) -> Path:
        """The lab's folder: conf/, log/, run/, ovs/."""
        if self._folder is None:
            raise LabError("is not up", where=self.name)
        return self._folder

    @property
    def faucet_yaml(self) -> Path:
        """The file that Faucet reads."""
        return self.folder / "conf" / "faucet.yaml"

    @property
    def event_socket(self) -> Path:
        """Faucet's event socket. It takes one client; the lab itself is none."""
        return self.folder / "run" / "event.sock"

    @property
    def prometheus_url(self) -> str:
        """Faucet's metrics, as seen inside the lab (:meth:`metrics` reads them from outside)."""
        return daemons.PROMETHEUS_URL

    @property
    def amqp_url(self) -> str | None:
        """RabbitMQ, as seen inside the lab; None without one."""
        return daemons.AMQP_URL if self._spec["rabbit"] else None

    @property
    def collector(self) -> str | None:
        """The host whose eth0 is the NIC on the mirror port."""
        return self.topology.collector()

    def take_collector(self, name: str = "mirror0") -> str:
        """Bring the collector's NIC beside the switch and the controller; gives its name there.

        So stands who watches a real network: one NIC on the mirror port, and the controller, the
        broker and the operator in reach. Again is no error.

        Raises:
            LabError: the topology has no collector, or its NIC is no longer there.
        """
        if self.collector is None:
            raise LabError("the topology has no collector", where=self.name)
        if not self.run(None, ["ip", "link", "show", name]).returncode:
            return name
        moved = self.run(self.collector, ["ip", "link", "set", "eth0", "netns", "1", "name", name])
        up = self.run(None, ["ip", "link", "set", name, "up"])
        if moved.returncode or up.returncode:
            reason = " ".join((moved.stderr + up.stderr).split())
            raise LabError(f"its NIC cannot be moved: {reason}", where=self.collector)
        return name

    @property
    def first_pid(self) -> int:
        """The lab's first process, as this process sees it."""
        if self._first is None:
            raise LabError("is not up", where=self.name)
        return self._first

    def up(self, *, detached: bool = False) -> None:
        """Make the lab; returns when the switches have their flows.

        Args:
            detached: let it live on when this process ends, until :meth:`down` of an attached one.

        Raises:
            LabError: something is missing on this machine, or a part does not come up.
        """
        needs.check_programs(rabbit=bool(self._spec["rabbit"]))
        controller = needs.find_controller(self._controller)
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="halia-lab-"))
        else:
            try:
                self._folder.mkdir(parents=True, mode=0o755)
            except OSError as error:
                raise LabError(
                    f"cannot be made: {error.strerror}", where=str(self._folder)
                ) from error
        control.check_folder(self._folder)
        self._folder.chmod(0o755)  # Halia may have dropped its privileges when it opens files here
        spec = self._spec | {"controller": str(controller), "detached": detached}
        (self._folder / SPEC).write_text(json.dumps(spec), encoding="utf-8")
        (self._folder / TOPOLOGY).write_text(self.topology.text, encoding="utf-8")
        try:
            self._begin(detached=detached)
        except BaseException:
            self._end()
            raise
        self._first = control.first_pid(self._folder)

    def down(self) -> None:
        """Remove the lab: every process, network, file. Again is no error."""
        if self._folder is not None:
            self._end()
        self._folder = self._first = None

    def run(
        self,
        host: str | None,
        argv: Sequence[str],
        timeout: float = 60.0,
        *,
        text: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end.

        Args:
            host: on which host; None: beside the switch and the controller.
            argv: its words.
            timeout: after so many seconds it is killed.
            text: its standard input.

        Raises:
            subprocess.TimeoutExpired: it was killed.
            InputError: it has no such host.
            LabError: the lab is not up.
        """
        pipe = subprocess.PIPE
        program = self.start(host, argv, stdin=pipe, stdout=pipe, stderr=pipe)
        with program:
            out, err = program.popen.communicate(text or "", timeout)
        return subprocess.CompletedProcess(list(argv), program.popen.returncode, out, err)

    def start(self, host: str | None, argv: Sequence[str], **options: Any) -> Running:
        """Start a program on a host, or beside the switch (None); options as for Popen."""
        settings: dict[str, Any] = {
            "env": daemons.base_environment(),
            "text": True,
            "stdin": subprocess.DEVNULL,
            "start_new_session": True,
        } | options
        return Running(subprocess.Popen(self.command(host, argv), **settings))  # noqa: S603 - it is what the lab is for

    def command(
        self, host: str | None, argv: Sequence[str], *, folder: Path | None = None
    ) -> list[str]:
        """Give the words that run a program in the lab, for whoever starts it himself."""
        if host is not None:
            self._check_host(host)
        inside = [] if host is None else ["ip", "netns", "exec", host]
        place = f"--wd={folder or Path.cwd()}"
        return [*needs.enter_command(self.first_pid), place, "--", *inside, *argv]

    def status(self) -> dict[str, Any]:
        """Tell hosts, ports, services, daemons, what is active and what is bad."""
        return control.ask(self.folder, {"do": "status"})

    def services(self) -> dict[str, list[str]]:
        """Tell which services each host runs, if it is active."""
        return {h["host"]: [s["name"] for s in h["services"]] for h in self.status()["hosts"]}

    def activity(self, host: str, *, on: bool) -> None:
        """Start or stop a host's services and clients."""
        control.ask(self.folder, {"do": "activity", "host": host, "on": on})

    def turn_bad(self, host: str, kind: str, **options: Any) -> dict[str, Any]:
        """Let a host do something bad until it is calmed.

        Args:
            host: who.
            kind: one of `plugin.lab.bad.KINDS`; docs/lab.md tells what each does.
            options: ``target`` (a host's name), ``seconds``, ``rate`` (steps a second).

        Returns:
            What it does, and to whom: see :class:`plugin.lab.bad.Plan`.

        Raises:
            InputError: no such host, kind or target.
            LabError: it does that already, or the lab does not answer.
        """
        bad.plan(self.topology, host, kind, **options)  # wrong names are refused here
        return control.ask(self.folder, {"do": "bad", "host": host, "kind": kind, **options})

    def calm(self, host: str) -> None:
        """Stop everything bad that a host does (InputError if there is no such host)."""
        self._check_host(host)
        control.ask(self.folder, {"do": "calm", "host": host})

    def reload(self) -> None:
        """Let Faucet read its file again (SIGHUP)."""
        self.signal("faucet", signal.SIGHUP)

    def signal(self, daemon: str, number: int) -> None:
        """Signal "faucet", "rabbitmq", "switch" or "ovsdb"; the end of a killed one is awaited."""
        control.ask(self.folder, {"do": "signal", "name": daemon, "signal": int(number)})

    def start_daemon(self, daemon: str) -> None:
        """Start "faucet", "rabbitmq" or "switch" again after its death, and wait until it works."""
        control.ask(self.folder, {"do": "start", "name": daemon})

    def metrics(self) -> str:
        """Read Faucet's Prometheus page."""
        return str(control.ask(self.folder, {"do": "metrics"})["text"])

    def call(self, address: str) -> None:
        """Let every switch call a further controller, such as Halia's probe, at ``HOST:PORT``."""
        words = ["ovs-vsctl", f"--db={daemons.ovs_socket(self.folder)}", "--timeout=30"]
        found = [*words, "--columns=target", "find", "controller", f'target="tcp:{address}"']
        if self.run(None, found).stdout.strip():
            return  # it was asked for before
        done = self.run(None, [*words, *wiring.further_controller(self.topology, address)])
        if done.returncode:
            raise LabError(" ".join(done.stderr.split()), where=address)

    def flows(self, switch: str) -> list[str]:
        """Read a switch's flows, as ovs-ofctl prints them."""
        place = f"unix:{self.folder}/ovs/{switch}.mgmt"
        done = self.run(None, ["ovs-ofctl", "-O", "OpenFlow13", "--names", "dump-flows", place])
        if done.returncode:
            raise LabError(" ".join(done.stderr.split()), where=switch)
        return [line.strip() for line in done.stdout.splitlines() if "cookie=" in line]

    def _check_host(self, host: str) -> None:
        names = [h.name for h in self.topology.hosts]
        if host not in names:
            raise InputError(f"no such host{nearest(host, names)}", where=host)

    def _begin(self, *, detached: bool) -> None:
        assert self._folder is not None
        words = [sys.executable, "-m", "plugin.lab.inside", str(self._folder)]
        lock = control.hold(self._folder)
        if lock is None:
            raise LabError("is another lab's", where=str(self._folder))
        with (self._folder / "inside.log").open("wb") as log:
            self._popen = subprocess.Popen(  # noqa: S603 - words of our own
                [*needs.unshare_command(), *words],
                env=daemons.halia_environment(),
                cwd=self._folder,
                stdin=subprocess.DEVNULL if detached else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                pass_fds=[lock],
            )
        os.close(lock)
        self._wait_for_ready()
        if detached:
            # It lives on by itself: nobody here waits for its end, and no warning is due.
            assert self._popen.stdout is not None
            self._popen.stdout.close()
            self._popen.returncode = 0

    def _wait_for_ready(self) -> None:
        """Read the reports of the first process up to its last; its error is raised."""
        assert self._popen is not None
        assert self._popen.stdout is not None
        stream = self._popen.stdout.fileno()
        end = time.monotonic() + UP_SECONDS
        buffer = b""
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                raise LabError(f"is not up after {UP_SECONDS:.0f} s", where=self.name)
            part = os.read(stream, 65_536)
            *lines, buffer = (buffer + part).split(_NEWLINE)
            for line in map(json.loads, lines):
                if "error" in line:
                    raise LabError(line["error"], where=self.name)
                self._progress(line)
                if line.get("phase") == "lab":
                    return
            if not part:
                raise LabError(f"has ended: {self._last_words()}", where=self.name)

    def _last_words(self) -> str:
        log = self.folder / "inside.log"
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        words = [line for line in text.splitlines() if line.strip()]
        return words[-1] if words else "namespaces cannot be made here"

    def _end(self) -> None:
        """Kill the first process, or what is to become it; wait for the end of all; clean up."""
        assert self._folder is not None
        popen = self._popen
        first = control.first_pid(self._folder)
        if first is None and popen is not None:
            first = only_child(popen.pid)
        if first is not None:
            kill_and_wait(first)
        if popen is not None:
            popen.kill()
            popen.wait()
            for stream in (popen.stdin, popen.stdout):
                if stream is not None:
                    stream.close()
        self._popen = None
        shutil.rmtree(self._folder, ignore_errors=True)
