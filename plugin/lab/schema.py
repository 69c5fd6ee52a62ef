"""A topology from its YAML: each field checked, every problem told with its line and column."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.errors import TopologyError, nearest
from plugin.lab.profiles import PROFILES, SERVICES
from plugin.lab.topology import FAUCET_MAC, NAME_MAX, Host, Link, Port, Switch, Topology, Vlan
from plugin.yaml_places import Document, read_limited

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from ipaddress import IPv4Interface

    from yaml.nodes import Node

    from plugin.yaml_places import Word

_TOP = ("name", "seed", "pace", "gateway", "vlans", "switches", "hosts", "acls")
_PORT = ("host", "hosts", "vlan", "tagged", "acls_in", "link", "collector")
_HOST = ("mac", "address", "addresses", "gateway", "vlan", "profile", "serves", "uses")
_NAME = re.compile(rf"[a-z][a-z0-9-]{{0,{NAME_MAX - 1}}}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
DPID_MAX = 0xFFFF
PORT_MAX = 999
HOSTS_MAX = 254
SEED_MAX = 2**63 - 1
_RESERVED = re.compile(r"lo|default|(edge|up)-[0-9]+")


class _Parts(NamedTuple):
    """What has been read before the switches are."""

    document: Document
    vlans: Mapping[str, Vlan]
    acls: Mapping[str, Any]
    hosts: Mapping[str, Host]
    attached: dict[str, str]
    """Host name to the port that it hangs on."""
    links: dict[tuple[str, int], tuple[Link, str]]


def load_topology(file: Path | str) -> Topology:
    """Read a topology from its file.

    Raises:
        TopologyError: it cannot be read, or all that is wrong in it.
    """
    path = Path(file)
    try:
        text = read_limited(path, error=TopologyError, kind="topology").decode()
    except UnicodeDecodeError as error:
        raise TopologyError(f"{path}: byte {error.start}: this is no text") from error
    return parse_topology(text, str(path))


def parse_topology(text: str, source: str = "topology") -> Topology:
    """Read a topology from YAML.

    Raises:
        TopologyError: all that is wrong in it, a line each, with line and column.
    """
    document = Document(text, source, TopologyError)
    if document.root is None:
        document.note(f"{source}:1:1", "the file", "a mapping is expected")
    top = document.fields(document.root, "", _TOP)
    vlans = _vlans(document, top.get("vlans"))
    acls = _acls(document, top.get("acls"))
    gateway = _gateway(document, top.get("gateway"), "gateway")
    hosts, places = _hosts(document, top.get("hosts"), gateway)
    for node, wanted in ((top.get("vlans"), "vlans"), (top.get("switches"), "switches")):
        if node is None:
            document.note(f"{source}:1:1", wanted, "is missing")
    for vlan, place in vlans.values():
        for acl in (*vlan.acls_in, *vlan.acls_out):
            _known(document, place, f"vlans.{vlan.name}", acl, acls)
    parts = _Parts(document, {k: v for k, (v, _) in vlans.items()}, acls, hosts, {}, {})
    switches = _switches(parts, top.get("switches"))
    _check_hosts(parts, places, switches)
    _check_links(parts)
    topology = Topology(
        name=document.text(top.get("name"), "name", "lab"),
        seed=document.whole(top.get("seed"), "seed", (0, SEED_MAX), 1),
        pace=document.number(top.get("pace"), "pace", 1.0),
        vlans=tuple(parts.vlans.values()),
        switches=switches,
        hosts=tuple(hosts.values()),
        acls=acls,
        text=text,
    )
    document.finish()
    return topology


def _known(
    document: Document, place: str | Node, what: str, name: str, known: Collection[str]
) -> bool:
    """Note a name that nothing has; tell whether it is there."""
    if name in known:
        return True
    hint = nearest(name, set(known)) if known else ""
    document.note(place, what, f"'{name}' is not there{hint}")
    return False


def _name(document: Document, word: Word, what: str) -> bool:
    if _NAME.fullmatch(word.text) and not _RESERVED.fullmatch(word.text):
        return True
    rule = f"a name of at most {NAME_MAX} of a-z 0-9 - is expected, beginning with a letter"
    document.note(word.place, f"{what}.{word.text}", rule)
    return False


def _vlans(document: Document, node: Node | None) -> dict[str, tuple[Vlan, str]]:
    found: dict[str, tuple[Vlan, str]] = {}
    vids: dict[int, str] = {}
    for key, value in document.entries(node, "vlans"):
        what = f"vlans.{key.text}"
        fields = document.fields(value, what, ("vid", "acls_in", "acls_out"))
        vid = document.whole(fields.get("vid"), f"{what}.vid", (1, 4094))
        if "vid" not in fields:
            document.note(key.place, what, "vid is missing")
        elif vid in vids and vid:
            document.note(fields["vid"], f"{what}.vid", f"{vid} is that of '{vids[vid]}'")
        vids.setdefault(vid, key.text)
        acls = [
            tuple(w.text for w in document.words(fields.get(n), f"{what}.{n}"))
            for n in ("acls_in", "acls_out")
        ]
        found[key.text] = Vlan(key.text, vid, *acls), key.place
    return found


def _acls(document: Document, node: Node | None) -> dict[str, Any]:
    found = {}
    for key, value in document.entries(node, "acls"):
        rules = document.plain(value, f"acls.{key.text}")
        # More than this is Faucet's to check: it does so before the lab is up.
        if isinstance(rules, list) and all(isinstance(r, dict) and "rule" in r for r in rules):
            found[key.text] = rules
        else:
            document.note(value, f"acls.{key.text}", "a list of '- rule: {…}' is expected")
    return found


def _hosts(
    document: Document, node: Node | None, gateway: str | None
) -> tuple[dict[str, Host], dict[str, str]]:
    """Read the hosts; give them by name, and where each stands in the file."""
    found: dict[str, Host] = {}
    places: dict[str, str] = {}
    taken: dict[str, str] = {}
    for number, (key, value) in enumerate(document.entries(node, "hosts"), 1):
        if not _name(document, key, "hosts"):
            continue
        if number > HOSTS_MAX:
            document.note(key.place, "hosts", f"more than {HOSTS_MAX}")
            break
        host = _host(document, key, value, gateway, f"02:00:00:00:00:{number:02x}")
        found[key.text], places[key.text] = host, key.place
        for unique in (host.mac, *(str(a.ip) for a in host.addresses)):
            if unique in taken:
                text = f"{unique} is also that of '{taken[unique]}'"
                document.note(key.place, f"hosts.{key.text}", text)
            taken.setdefault(unique, key.text)
    return found, places


def _host(document: Document, key: Word, node: Node, gateway: str | None, mac: str) -> Host:
    what = f"hosts.{key.text}"
    fields = document.fields(node, what, _HOST)
    address = document.words(fields.get("address"), f"{what}.address")
    others = document.words(fields.get("addresses"), f"{what}.addresses")
    addresses = [_address(document, word, what) for word in (*address, *others)]
    own = tuple(a for a in addresses if a is not None)
    way = _gateway(document, fields.get("gateway"), f"{what}.gateway") or gateway
    reachable = own and way and ipaddress.ip_address(way) in own[0].network
    mine = any(str(a.ip) == way for a in own)
    lists = {}
    for name in ("serves", "uses"):
        words = document.words(fields.get(name), f"{what}.{name}")
        lists[name] = tuple(
            w.text
            for w in words
            if _known(document, w.place, f"{what}.{name}", w.text, SERVICES.keys())
        )
    profile = document.text(fields.get("profile"), f"{what}.profile") or None
    if profile is not None:
        _known(document, fields["profile"], f"{what}.profile", profile, PROFILES.keys())
    return Host(
        name=key.text,
        mac=_mac(document, fields.get("mac"), f"{what}.mac", mac),
        addresses=own,
        gateway=way if reachable and not mine else None,
        vlan=document.text(fields.get("vlan"), f"{what}.vlan") or None,
        profile=profile,
        serves=lists["serves"],
        uses=lists["uses"],
    )


def _address(document: Document, word: Word, what: str) -> IPv4Interface | None:
    try:
        return ipaddress.IPv4Interface(word.text)
    except ValueError as error:
        document.note(word.place, f"{what}.address", str(error))
        return None


def _gateway(document: Document, node: Node | None, what: str) -> str | None:
    text = document.text(node, what)
    if not text or node is None:
        return None
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as error:
        document.note(node, what, str(error))
        return None


def _mac(document: Document, node: Node | None, what: str, default: str) -> str:
    if node is None:
        return default
    text = document.text(node, what, default).lower()
    if not _MAC.fullmatch(text) or int(text[:2], 16) & 1:
        document.note(
            node, what, "the address of one device is expected, such as 02:00:00:00:00:01"
        )
    elif text == FAUCET_MAC:
        document.note(node, what, f"{text} is Faucet's own address: it would drop its frames")
    return text


def _switches(parts: _Parts, node: Node | None) -> tuple[Switch, ...]:
    document = parts.document
    found: list[Switch] = []
    for key, value in document.entries(node, "switches"):
        if not _name(document, key, "switches"):
            continue
        what = f"switches.{key.text}"
        fields = document.fields(value, what, ("dp_id", "ports", "settings"))
        dp_id = document.whole(
            fields.get("dp_id"), f"{what}.dp_id", (1, DPID_MAX), default=len(found) + 1
        )
        if dp_id in {s.dp_id for s in found}:
            document.note(key.place, f"{what}.dp_id", f"{dp_id} is that of another switch")
        settings = document.plain(fields.get("settings"), f"{what}.settings") or {}
        if not isinstance(settings, dict):
            document.note(fields["settings"], f"{what}.settings", "a mapping is expected")
            settings = {}
        ports = [
            _port(parts, key.text, number, port)
            for number, port in document.entries(fields.get("ports"), f"{what}.ports")
        ]
        found.append(Switch(key.text, dp_id, tuple(ports), settings))
    return tuple(found)


def _port(parts: _Parts, switch: str, key: Word, node: Node) -> Port:
    document = parts.document
    what = f"switches.{switch}.ports.{key.text}"
    number = int(key.text) if key.text.isascii() and key.text.isdigit() else 0
    if not 1 <= number <= PORT_MAX:
        document.note(key.place, what, f"a port number from 1 to {PORT_MAX} is expected")
    fields = document.fields(node, what, _PORT)
    vlan = document.text(fields.get("vlan"), f"{what}.vlan") or None
    names = {
        name: document.words(fields.get(name), f"{what}.{name}")
        for name in ("host", "hosts", "tagged", "acls_in")
    }
    if vlan is not None:
        _known(document, fields["vlan"], f"{what}.vlan", vlan, parts.vlans)
    for word in names["tagged"]:
        _known(document, word.place, f"{what}.tagged", word.text, parts.vlans)
    for word in names["acls_in"]:
        _known(document, word.place, f"{what}.acls_in", word.text, parts.acls)
    hosts = (*names["host"], *names["hosts"])
    for word in hosts:
        if not _known(document, word.place, what, word.text, parts.hosts):
            continue
        if word.text in parts.attached:
            text = f"'{word.text}' hangs on {parts.attached[word.text]} already"
            document.note(word.place, what, text)
        parts.attached.setdefault(word.text, what)
    port = Port(
        number=number,
        hosts=tuple(word.text for word in hosts),
        vlan=vlan,
        tagged=tuple(word.text for word in names["tagged"]),
        acls_in=tuple(word.text for word in names["acls_in"]),
        link=_link(parts, (switch, number), fields.get("link"), f"{what}.link"),
        collector=document.flag(fields.get("collector"), f"{what}.collector"),
    )
    _check_port(document, key, what, port)
    return port


def _check_port(document: Document, key: Word, what: str, port: Port) -> None:
    if not port.collector and port.vlan is None and not port.tagged:
        document.note(key.place, what, "vlan, tagged or collector: true is missing")
    if port.collector and (len(port.hosts) != 1 or port.vlan or port.tagged or port.link):
        document.note(key.place, what, "a collector's port has one host, no VLAN and no link")
    if port.link is None and not port.hosts:
        document.note(key.place, what, "host, hosts or link is missing")
    if port.link is not None and port.hosts:
        document.note(key.place, what, "a port has hosts or a link, not both")


def _link(parts: _Parts, here: tuple[str, int], node: Node | None, what: str) -> Link | None:
    text = parts.document.text(node, what)
    if not text or node is None:
        return None
    switch, _, number = text.partition("/")
    if not number.isdigit():
        parts.document.note(node, what, "SWITCH/PORT is expected, such as sw2/8")
        return None
    link = Link(switch, int(number))
    parts.links[here] = link, parts.document.place(node)
    return link


def _check_links(parts: _Parts) -> None:
    for here, (link, place) in parts.links.items():
        back = parts.links.get((link.switch, link.port))
        if back is None or back[0] != Link(*here):
            text = f"{link.switch}/{link.port} does not lead back to {here[0]}/{here[1]}"
            parts.document.note(place, f"switches.{here[0]}.ports.{here[1]}.link", text)


def _check_hosts(parts: _Parts, places: Mapping[str, str], switches: tuple[Switch, ...]) -> None:
    """Note hosts that hang nowhere, or whose VLAN is not told."""
    document = parts.document
    ports = {name: port for s in switches for port in s.ports for name in port.hosts}
    for name, host in parts.hosts.items():
        what = f"hosts.{name}"
        port = ports.get(name)
        if port is None:
            document.note(places[name], what, "hangs on no port")
        elif host.vlan is None and port.vlan is None and port.tagged:
            document.note(places[name], what, "its port is only tagged: vlan is missing")
        elif host.vlan is not None and host.vlan not in (*port.tagged, port.vlan):
            document.note(places[name], what, f"its port does not carry VLAN '{host.vlan}'")
    collectors = [p for s in switches for p in s.ports if p.collector]
    if len(collectors) > 1:
        document.note(f"{document.source}:1:1", "switches", "more than one collector")
