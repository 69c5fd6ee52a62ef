"""The networks of :mod:`tests.isolating`, running, with the hook in their Faucet."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import pytest

from plugin.actions import Isolation, Place
from plugin.faucet.files import read_text
from plugin.faucet.hook import PRIMING_MAC
from plugin.faucet.reach import Spot
from plugin.lab import Lab, parse_topology
from plugin.lab.hooked import install
from plugin.offline.faucet import read_place, status
from tests.isolating import COLLECTOR, Model, all_frames, mistakes
from tests.isolation_writer import PROBE, Writer
from tests.labs import CONTROLLER, need_lab, wait_for
from tests.stations import ALL, Frame, Stations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from plugin.actions import Action
    from tests.isolation_writer import Told

PATIENCE = 60.0
COOKIE = re.compile(r"cookie=0x([0-9a-f]+), .*table=0,")
MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
WATCHES = range(0x8000, 0x10000)
"""Cookies of watches."""
MARKS = (Frame("server", "desk"), Frame("desk", "m2"), Frame("m2", "desk"))
"""Nothing plain is ever denied between these, if m2 is at another switch than the others."""


class Shape(NamedTuple):
    """How a frame arrived somewhere."""

    host: str
    vid: int
    size: int


Shapes = dict[Frame, Counter[Shape]]
"""Of each kind of frame: where it arrived, with which tag and how many bytes, how often."""


@dataclass
class IsolationLab:
    """A running network whose frames are numbered, and the only writer of its hook.

    It is the real one, with its probe: what it reports as proven must be so in the frames.
    """

    lab: Lab
    stations: Stations
    model: Model
    begin_writer: Callable[[], Writer]
    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By device: what the last report says that is not done."""
    _writer: Writer | None = None
    _cookies: dict[object, int] = field(default_factory=dict)

    def install(self, *words: str) -> None:
        """Install the hook, have the switches call the probe, and begin the writer."""
        told = install(self.lab, *words)
        assert told["loaded"] is True
        place = read_place(self.lab.faucet_yaml)
        hooked = sum(len(port.numbers) for port in status(place).ports if port.hooked)

        def primed() -> bool:
            flows = [flow for some in self.all_flows().values() for flow in some]
            return sum(f"dl_src={PRIMING_MAC} " in one for one in flows) >= hooked

        wait_for(primed, "the hook at the switches", PATIENCE)
        database = f"--db=unix:{self.lab.folder}/ovs/db.sock"
        more = ["connection_mode=out-of-band", "max_backoff=1000"]
        for switch in self.lab.topology.switches:
            words = "--", "--id=@c", "create", "controller", f'target="tcp:{PROBE}"'
            beside = "--", "add", "bridge", switch.name, "controller", "@c"
            done = self.lab.run(None, ["ovs-vsctl", database, *words, *more, *beside])
            assert done.returncode == 0, done.stderr
        assert place.journal is not None
        self.model.mode = place.journal.layout.mode
        self._writer = self.begin_writer()
        self.isolate({})

    def isolation(self, name: str, action: Action) -> Isolation:
        """Make an isolation of a device where it is now: of a case of its own."""
        device, place = self.stations.devices[name], Place(*self.model.spot(name), self.vid(name))
        cookie = self._cookies.setdefault((name, action, place), len(self._cookies) + 1)
        return Isolation(
            cookie=cookie,
            mac=device.mac,
            action=action,
            place=place,
            addresses=(device.ip, device.ip6, device.link),
        )

    def isolate(self, actions: Mapping[str, Action], *watched: str) -> dict[str, str]:
        """Have these devices isolated and no others; gives by device why it is refused."""
        wanted = {name: self.isolation(name, action) for name, action in actions.items()}
        report = self.want(wanted.values(), *watched).report
        self.left_out = {n: report.left_out.get(i.cookie, ()) for n, i in wanted.items()}
        refused = {n: report.refused.get(i.cookie, "") for n, i in wanted.items()}
        self.model.isolated = {n: i for n, i in wanted.items() if not refused[n]}
        self.model.watched = frozenset(n for n in watched if self.model.is_watchable(n))
        # The rules of who is quarantined or blocked copy what they let pass and what they drop.
        alone = {
            n
            for n in self.model.watched
            if n not in self.model.isolated or actions[n].kind == "limit"
        }
        macs = {self.model.devices[name].mac for name in alone}
        wait_for(lambda: self._watched() == macs, f"watches of {sorted(alone)}", PATIENCE)
        return {name: why for name, why in refused.items() if why}

    def _watched(self) -> set[str]:
        """Give the devices that have a watch of their own at the switches."""
        flows = [flow for some in self.all_flows().values() for flow in some]
        watches = [
            one for one in flows if (found := COOKIE.search(one)) and int(found[1], 16) in WATCHES
        ]
        return {mac for one in watches for mac in MAC.findall(one)}

    def want(self, wanted: Iterable[Isolation], *watched: str) -> Told:
        """Have the writer do it, and wait for its proof."""
        spots = [
            Spot(device.mac, *self.model.spot(name), self.vid(name))
            for name, device in self.stations.devices.items()
            if name != COLLECTOR
        ]
        macs = [self.stations.devices[name].mac for name in watched]
        return self.writer.want(wanted, spots, macs)

    def vid(self, name: str) -> int:
        """Give the VLAN in which a device speaks now."""
        vlans = {vlan.name: vlan.vid for vlan in self.lab.topology.vlans}
        return vlans[str(self.model.vlan(self.model.home[name]))]

    @property
    def writer(self) -> Writer:
        """The writer, once the hook is installed."""
        assert self._writer is not None
        return self._writer

    def move(self, name: str, host: str) -> None:
        """Have a device speak at another host's port from now on.

        It is unplugged where it was: a port with an unmanaged switch keeps its link.
        """
        old, spot = self.stations.home[name], self.model.spot(name)
        self.stations.home[name] = host
        if old == host or self.model.keeps_link(old):
            return
        learned = re.compile(rf"in_port={spot.port},dl_vlan=\d+,dl_src=")
        self._link(old, "down")
        wait_for(
            lambda: not any(learned.search(one) for one in self.flows(spot.dp)),
            f"a switch that has forgotten who was at port {spot.port}",
        )
        self._link(old, "up")

    def _link(self, host: str, state: str) -> None:
        done = self.lab.run(None, ["ip", "link", "set", f"to-{host}", state])
        assert done.returncode == 0, done.stderr

    def settled(self) -> None:
        """Wait until the switches do what their flows say: their caches follow, a little later."""
        place = f"{self.lab.folder}/ovs/vswitchd.ctl"
        done = self.lab.run(None, ["ovs-appctl", "-t", place, "revalidator/wait"])
        assert done.returncode == 0, done.stderr

    def flows(self, switch: str) -> list[str]:
        """Read a switch's flows, its ports by number."""
        place = f"unix:{self.lab.folder}/ovs/{switch}.mgmt"
        words = ["ovs-ofctl", "-O", "OpenFlow13", "--no-names", "dump-flows", place]
        done = self.lab.run(None, words)
        assert done.returncode == 0, done.stderr
        return [line.strip() for line in done.stdout.splitlines() if "cookie=" in line]

    def all_flows(self) -> dict[str, list[str]]:
        """Read the flows of all switches."""
        return {switch.name: self.flows(switch.name) for switch in self.lab.topology.switches}

    def learned(self) -> None:
        """Wait until all who may be heard are heard everywhere, and known to the switches.

        A quarantined device is known by what it may say.
        """
        isolated = self.model.isolated.items()
        quiet = {n for n, i in isolated if i.action.kind in {"block", "quarantine"}}
        asking = {n for n, i in isolated if any(one.kind == "dhcp" for one in i.action.allow)}
        free = [name for name in self.model.devices if name not in {*quiet, COLLECTOR}]

        missing: list[str] = []

        def all_known() -> bool:
            told = [*(Frame(n, ALL) for n in free), *(Frame(n, ALL, "dhcp") for n in asking)]
            sent = self.stations.send(told)
            self.stations.settled()
            flows = self.all_flows()
            missing[:] = [
                f"{frame} is not heard by {deaf}"
                for number, frame in sent.items()
                if (deaf := self.model.fate(frame).at - set(self.stations.arrivals(number)))
            ]
            missing.extend(
                f"{name} is not known to {switch}"
                for name in (*free, *asking)
                for switch, some in flows.items()
                if not self._knows(switch, some, name)
            )
            return not missing

        try:
            wait_for(all_known, "devices that are heard and learned", PATIENCE)
        except pytest.fail.Exception:
            print(*missing, *(one for some in self.all_flows().values() for one in some), sep="\n")
            raise

    def _knows(self, switch: str, flows: list[str], name: str) -> bool:
        """Tell whether a switch has learned a device; its own: where it is now."""
        spot, mac = self.model.spot(name), self.model.devices[name].mac
        vlan = f"dl_vlan={self.vid(name)},"
        known = [one for one in flows if f"{vlan}dl_dst={mac} " in one and "in_port" not in one]
        if switch != spot.dp:
            return bool(known)
        here = f"in_port={spot.port},{vlan}dl_src={mac} "
        # With ACLs at the exit the port is noted, for them, and sent to after them.
        noted = f"write_metadata:{self.vid(name) << 12 | spot.port:#x}/"
        sent = any(noted in one or re.search(rf"output:{spot.port}\b", one) for one in known)
        return sent and any(here in one for one in flows)

    def check(self, what: str) -> Shapes:
        """Send every kind of frame, and fail if one is not where it should be.

        Gives how they arrived, beside where that depends on what an unmanaged switch has learned.
        """
        self.settled()
        self.learned()
        kinds = [one for one in all_frames(self.model.devices) if self.model.is_certain(one)]
        sent = self.stations.send(kinds)
        self.stations.settled()
        seen = {number: self.stations.arrivals(number) for number in sent}
        found = mistakes(self.model, sent, seen)
        print(f"{what}: {len(sent)} frames, {len(found)} mistakes")
        assert not found, f"{what}: {len(found)} mistakes:\n" + "\n".join(found[:40])
        shapes: Shapes = {frame: Counter() for frame in sent.values()}
        for number, frame in sent.items():
            for host, count in seen[number].items():
                if host in self.model.fate(frame).maybe:
                    continue
                shape = Shape(host, *self.stations.by_host[host].shape[number])
                shapes[frame][shape] += count
        return shapes

    def include(self) -> str:
        """Read our include."""
        return read_text(read_place(self.lab.faucet_yaml).include)


def without_copies(shapes: Shapes) -> Shapes:
    """Leave out what the collector got."""
    return {
        frame: Counter({shape: n for shape, n in found.items() if shape.host != COLLECTOR})
        for frame, found in shapes.items()
    }


@contextmanager
def isolation_lab(topology: str, folder: Path) -> Iterator[IsolationLab]:
    """Make a lab from the text of its topology; the hook is not installed yet."""
    need_lab()
    pytest.importorskip("os_ken", reason="os-ken (extra sdn) is not installed")
    with ExitStack() as stack:
        lab = stack.enter_context(
            Lab(parse_topology(topology), controller=CONTROLLER, activity=False)
        )
        marks = MARKS if len(lab.topology.switches) > 1 else MARKS[:1]
        stations = Stations(lab, stack, folder, marks)
        model = Model(topology=lab.topology, devices=stations.devices, home=stations.home)
        yield IsolationLab(lab, stations, model, lambda: Writer(lab, stack, folder))
