"""The first process of a lab: it makes everything, answers, and takes all with it when it ends.

Run as ``python -m plugin.lab.inside FOLDER`` in namespaces of its own. Standard input is the
lifeline: the lab ends when it is closed, that is when whoever holds its other end is gone, by
whatever signal. Progress goes to standard output, a line of JSON each.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.errors import HaliaError
from plugin.lab import control, daemons
from plugin.lab.control import SPEC, TOPOLOGY
from plugin.lab.fabric import Fabric
from plugin.lab.people import People
from plugin.lab.profiles import SERVICES, serves
from plugin.lab.schema import parse_topology

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

_TICK = 0.5


class Inside:
    """The lab as its first process sees it.

    Args:
        folder: the lab's folder, with `SPEC` and `TOPOLOGY` in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spec = json.loads((folder / SPEC).read_text(encoding="utf-8"))
        self.topology = parse_topology((folder / TOPOLOGY).read_text(encoding="utf-8"), TOPOLOGY)
        controller, stat_reload = Path(self.spec["controller"]), bool(self.spec["stat_reload"])
        self.fabric = Fabric(folder, self.topology, controller, stat_reload=stat_reload)
        self.people = People(self.topology)
        self.listener: socket.socket | None = None
        self._stop = False
        self._verbs: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "status": lambda _: self.status(),
            "signal": self._signal,
            "start": lambda request: self._start(request["name"]),
            "bad": self._bad,
            "calm": lambda request: self.people.calm(request["host"]),
            "activity": self._activity,
            "metrics": lambda _: {"text": self.fabric.metrics()},
            "stop": lambda _: self._set_stop(),
        }

    def up(self) -> None:
        """Make everything; each step is reported as it is done.

        Raises:
            LabError: a part does not come up.
        """
        fabric, spec = self.fabric, self.spec
        fabric.prepare()
        if spec["rabbit"]:
            fabric.start_rabbitmq()  # the slowest: first, and beside everything else
        fabric.start_faucet()
        fabric.start_switch()
        report({"phase": "switch", "datapath": fabric.datapath})
        fabric.wire()
        report({"phase": "hosts", "count": len(self.topology.hosts)})
        fabric.connect()
        report({"phase": "controller"})
        if spec["rabbit"]:
            fabric.wait_for_rabbitmq()
            report({"phase": "rabbitmq"})
        for host in self.topology.hosts:
            if spec["activity"]:
                self.people.begin(host.name)
        self.listener = control.listen(self.folder)
        report({"phase": "lab"})

    def serve(self, lifeline: int | None) -> None:
        """Answer requests until told to stop, or until the lifeline ends."""
        assert self.listener is not None
        watched: list[Any] = [self.listener] if lifeline is None else [self.listener, lifeline]
        while not self._stop:
            ready = select.select(watched, [], [], _TICK)[0]
            self.reap()
            if self.listener in ready:
                peer = self.listener.accept()[0]
                with peer:
                    self._answer(peer)
            if lifeline in ready and not os.read(lifeline, 1):  # type: ignore[arg-type]  # None is never ready
                return

    def reap(self) -> None:
        """Collect children that have ended: those that were left to this process, too."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            if not (self.fabric.collect(ended.si_pid) or self.people.collect(ended.si_pid)):
                os.waitpid(ended.si_pid, 0)

    def status(self) -> dict[str, Any]:
        """Tell all about the lab, for people and programs."""
        vlans = {vlan.name: vlan.vid for vlan in self.topology.vlans}
        hosts = []
        for switch, port, host in self.topology.places():
            vlan = host.vlan or port.vlan
            hosts.append(
                {
                    "host": host.name,
                    "mac": host.mac,
                    "addresses": [str(a) for a in host.addresses],
                    "switch": switch.name,
                    "dp_id": switch.dp_id,
                    "port": port.number,
                    "vlan": vlan,
                    "vid": vlans.get(vlan) if vlan else None,
                    "collector": port.collector,
                    "profile": host.profile,
                    "services": [{"name": n, **SERVICES[n]._asdict()} for n in serves(host)],
                    "active": self.people.active(host.name),
                    "bad": self.people.bad(host.name),
                }
            )
        return {
            "name": self.spec["name"],
            "topology": self.topology.name,
            "seed": self.topology.seed,
            "controller": self.spec["controller"],
            "datapath": self.fabric.datapath,
            "folder": str(self.folder),
            "up_seconds": round(time.monotonic() - self.fabric.born, 1),
            "faucet_yaml": str(self.folder / "conf" / "faucet.yaml"),
            "event_socket": str(self.folder / "run" / "event.sock"),
            "prometheus": daemons.PROMETHEUS_URL,
            "broker": daemons.AMQP_URL if self.spec["rabbit"] else None,
            "daemons": self.fabric.daemons(),
            "hosts": hosts,
        }

    def _answer(self, peer: socket.socket) -> None:
        request = control.receive(peer)
        if request is None:
            return
        verb = self._verbs.get(str(request.get("do")))
        try:
            answer = {"error": "no such request"} if verb is None else verb(request)
        except KeyError as error:
            answer = {"error": f"no such name: {error.args[0]}"}
        except HaliaError as error:
            answer = {"error": str(error)}
        control.reply(peer, answer)

    def _signal(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"pid": self.fabric.signal(request["name"], int(request["signal"]))}

    def _start(self, name: str) -> dict[str, Any]:
        starts = {
            "faucet": (self.fabric.start_faucet, self.fabric.wait_for_flows),
            "switch": (self._start_switch, self.fabric.wait_for_flows),
            "rabbitmq": (self.fabric.start_rabbitmq, self.fabric.wait_for_rabbitmq),
        }
        begin, wait = starts[name]
        begin()
        wait()
        return {"name": name}

    def _start_switch(self) -> None:
        self.fabric.start_vswitchd()
        self.fabric.forget_wildcards()

    def _activity(self, request: dict[str, Any]) -> dict[str, Any]:
        name = self.topology.host(request["host"]).name
        (self.people.begin if request["on"] else self.people.end)(name)
        return {"host": name, "active": self.people.active(name)}

    def _bad(self, request: dict[str, Any]) -> dict[str, Any]:
        options = {k: v for k, v in request.items() if k in {"target", "seconds", "rate"}}
        return self.people.turn_bad(request["host"], request["kind"], **options)

    def _set_stop(self) -> dict[str, Any]:
        self._stop = True
        return {}


def report(line: dict[str, Any]) -> None:
    """Tell whoever started the lab; he may not listen any more."""
    try:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    except OSError:
        return


def main(arguments: list[str]) -> int:
    """Make a lab and keep it until its end.

    Returns:
        0, or 3 if it did not come up (told by the last line of standard output).
    """
    folder = Path(arguments[0])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    code = 0
    try:
        lab = Inside(folder)
        lab.up()
        lab.serve(None if lab.spec["detached"] else 0)
    except HaliaError as error:
        report({"error": str(error)})
        code = error.exit_code
    except SystemExit:  # SIGTERM
        pass
    # After a mistake of ours the folder stays for the maker, who reads the traceback in it.
    _vanish(folder)
    return code


def _vanish(folder: Path) -> None:
    """End every process of the lab, then remove its folder.

    The kernel does the first when this process ends, as it is the lab's first one; but then
    nobody is left to do the second.
    """
    if os.getpid() == 1:
        os.kill(-1, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
