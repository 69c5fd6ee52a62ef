"""Commands that make a topology's cables: bridges, ports, namespaces. Pure: words in, words out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plugin.lab.daemons import OPENFLOW_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.lab.topology import Host, Port, Switch, Topology

BACKOFF_MS = 1000
"""Longest wait of a switch before it calls its controller again (8 s by default)."""


class Plug(NamedTuple):
    """One port of a bridge, as ovs-vsctl makes it."""

    bridge: str
    interface: str
    number: int | None
    """The port's OpenFlow number; any for unmanaged switches."""
    peer: str | None = None
    """The other end of a patch cable."""
    tag: int | None = None


def nic(host: str) -> str:
    """Name the switch's side of a host's cable."""
    return f"to-{host}"


def bridge_commands(topology: Topology, datapath: str) -> list[str]:
    """Give the words for one ovs-vsctl: every bridge, every port, in one transaction."""
    words: list[str] = []
    for switch in topology.switches:
        words += _bridge(switch.name, datapath, "secure")
        words += ["protocols=OpenFlow13", f"other-config:datapath-id={switch.dp_id:016x}"]
    for edge in _edges(topology):
        words += _bridge(edge, datapath, "standalone")
    for plug in plugs(topology):
        words += _plug(plug)
    return words[1:]


def controller_commands(topology: Topology) -> list[str]:
    """Give the words for one ovs-vsctl: every managed switch calls the controller."""
    words: list[str] = []
    for switch in topology.switches:
        words += ["--", "set-controller", switch.name, f"tcp:127.0.0.1:{OPENFLOW_PORT}"]
        words += ["--", "set", "controller", switch.name]
        words += ["connection_mode=out-of-band", f"max_backoff={BACKOFF_MS}"]
    return words[1:]


def further_controller(topology: Topology, address: str) -> list[str]:
    """Give the words for one ovs-vsctl: every managed switch calls ``HOST:PORT`` as well."""
    words: list[str] = []
    for number, switch in enumerate(topology.switches):
        words += ["--", f"--id=@c{number}", "create", "controller", f'target="tcp:{address}"']
        words += ["connection_mode=out-of-band", f"max_backoff={BACKOFF_MS}"]
        words += ["--", "add", "bridge", switch.name, "controller", f"@c{number}"]
    return words


def plugs(topology: Topology) -> Iterator[Plug]:
    """Give every port of every bridge, the unmanaged ones too."""
    vids = {vlan.name: vlan.vid for vlan in topology.vlans}
    edges = 0
    for switch in topology.switches:
        for port in switch.ports:
            if port.link is not None:
                here, there = _cable(switch.name, port), f"{port.link.switch}-{port.link.port}"
                yield Plug(switch.name, here, port.number, peer=there)
            elif port.behind_edge:
                edges += 1
                yield from _edge(topology, switch, port, edges, vids)
            else:
                yield Plug(switch.name, nic(port.hosts[0]), port.number)


def namespace_commands(topology: Topology) -> str:
    """Give the lines for one ``ip -batch``: a namespace and a cable for each host."""
    lines: list[str] = []
    for host in topology.hosts:
        peer = f"peer name eth0 address {host.mac} netns {host.name}"
        lines += [
            f"netns add {host.name}",
            f"link add {nic(host.name)} type veth {peer}",
            f"link set {nic(host.name)} up",
        ]
    return "\n".join(lines) + "\n"


def host_script(host: Host) -> str:
    """Give the shell script that sets up one host, from inside its namespace.

    IPv6 is off: its neighbours' chatter would teach Faucet addresses at times of its own. So is
    the offload of checksums: a switch in user space would pass on what was never finished.
    """
    lines = [
        "set -e",
        "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6",
        "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6",
        "ethtool -K eth0 tx off >/dev/null 2>&1 || true",
        "ip link set lo up",
        *(f"ip addr add {address} dev {dev}" for address, dev in _addresses(host)),
        "ip link set eth0 up",
    ]
    if host.gateway:
        lines.append(f"ip route add default via {host.gateway}")
    return "\n".join(lines) + "\n"


def _addresses(host: Host) -> Iterator[tuple[str, str]]:
    """Give the addresses with their device; those of other networks stand on the loopback."""
    for index, address in enumerate(host.addresses):
        yield str(address), "lo" if index and address.network.prefixlen == 32 else "eth0"  # noqa: PLR2004 - a single IPv4 address


def _bridge(name: str, datapath: str, fail_mode: str) -> list[str]:
    words = ["--", "add-br", name, "--", "set", "bridge", name]
    return [*words, f"datapath_type={datapath}", f"fail_mode={fail_mode}"]


def _plug(plug: Plug) -> list[str]:
    words = ["--", "add-port", plug.bridge, plug.interface]
    if plug.tag is not None:
        words += [f"tag={plug.tag}", "vlan_mode=access"]
    fields = [] if plug.number is None else [f"ofport_request={plug.number}"]
    if plug.peer is not None:
        fields += ["type=patch", f"options:peer={plug.peer}"]
    return [*words, "--", "set", "interface", plug.interface, *fields] if fields else words


def _edges(topology: Topology) -> list[str]:
    count = sum(port.behind_edge for switch in topology.switches for port in switch.ports)
    return [f"edge-{number}" for number in range(1, count + 1)]


def _edge(
    topology: Topology, switch: Switch, port: Port, number: int, vids: dict[str, int]
) -> Iterator[Plug]:
    """An unmanaged switch behind a port, with its hosts; tags end here."""
    down, up = _cable(switch.name, port), f"up-{number}"
    yield Plug(switch.name, down, port.number, peer=up)
    yield Plug(f"edge-{number}", up, None, peer=down)
    for name in port.hosts:
        vlan = topology.host(name).vlan or port.vlan
        tag = vids[vlan] if vlan is not None and vlan != port.vlan else 0
        yield Plug(f"edge-{number}", nic(name), None, tag=tag if port.tagged else None)


def _cable(switch: str, port: Port) -> str:
    return f"{switch}-{port.number}"
