"""A small site with the hook installed, what is isolated there, and a switch as Faucet fills it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plugin.actions import Action, Isolation, Place, Service
from plugin.faucet.flows import Flow
from plugin.faucet.ground import Ground, ground
from plugin.faucet.hook import Mode, Options, Stages, render
from plugin.faucet.install import Journal, Plan, plan_install
from plugin.faucet.isolate import lay
from plugin.faucet.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from plugin.actions import Kind

TEXT = """\
# An office of one switch.
vlans:
  office: {{vid: 100{vlan}}}
  lab: {{vid: 200}}
  cellar: {{vid: 300}}
acls:
  op:
    - rule: {{dl_type: 0x800, nw_proto: 17, udp_dst: 5007, actions: {{allow: 0}}}}
    - rule: {{actions: {{allow: 1}}}}
dps:
  sw1:
    dp_id: 0x1
    hardware: "Open vSwitch"
    interfaces:
      1: {{name: desk, native_vlan: office{port}}}
      2: {{native_vlan: office}}
      3:
        name: printer  # 2nd floor
        native_vlan: lab
      6: {{name: remedy, native_vlan: cellar}}
      7: {{name: col, output_only: true}}
      24: {{name: uplink, tagged_vlans: [office, lab]}}
    interface_ranges:
      10-11: {{native_vlan: office}}
"""
HOOKED = (1, 2, 3, 6, 10, 11, 24)
OPERATOR = ", acls_in: [op]"
SECOND = """\
  sw2:
    dp_id: 0x2
    interfaces:
      1: {name: desk2, native_vlan: office}
      7: {name: col, output_only: true}
"""
LAYOUTS: Mapping[str, dict[str, Any]] = {
    "plain": {},
    "port": {"port": OPERATOR},
    "vlan": {"vlan": OPERATOR},
    "both": {"port": OPERATOR, "vlan": OPERATOR},
    "none": {"mode": "none"},
}
"""What the operator has: nothing, an ACL at port 1, one in a VLAN, both, or he wants no mirror."""
APART = TEXT.format(vlan="", port="") + SECOND.replace("name: col", "name: tap")
"""Two switches whose collectors have different names: each has a hook of its own."""
_FAUCETS_OWN = 0x5ADC15C0
_NAMES = {"dl_src": "eth_src", "dl_dst": "eth_dst", "dl_type": "eth_type", "nw_proto": "ip_proto"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """An installation."""

    root: str
    journal: Journal
    ground: Ground

    def stages(self, stages: Stages) -> str:
        """Our include with these rules."""
        return render(self.journal.layout, stages, remediation=self.journal.remediation)

    def include(self, *isolations: Isolation) -> str:
        """Our include with these isolations."""
        return self.stages(lay(isolations, self.ground).stages)

    def flows(self, include: str | None = None) -> dict[int, list[Flow]]:
        """The switches' flows, if Faucet has done what the files say."""
        plain = Tree(self.root).plain
        others = Tree(self.include() if include is None else include).plain
        acls = {**plain["acls"], **others["acls"]}
        found = {}
        for conf in plain["dps"].values():
            ports = dict(_ports(conf))
            names = {str(one.get("name", number)): number for number, one in ports.items()}
            found[conf["dp_id"]] = [
                flow
                for number, one in sorted(ports.items())
                for flow in _port(number, one, plain["vlans"], acls, others, names)
            ]
        return found


def site(
    *,
    port: str = "",
    vlan: str = "",
    mode: Mode | None = None,
    remediation: str | None = "sw1:6",
    second: bool = False,
    text: str | None = None,
) -> Site:
    """Install the hook.

    Args:
        port: what port 1 has besides.
        vlan: what VLAN office has besides.
        mode: where all is mirrored; None: as the installation chooses.
        remediation: the remediation port.
        second: with another switch.
        text: another file altogether.
    """
    content = text or TEXT.format(port=port, vlan=vlan) + (SECOND if second else "")
    plan = plan_install(content, Options(mode=mode, remediation=remediation))
    assert isinstance(plan, Plan), plan
    assert plan.journal is not None
    return Site(
        root=plan.new_text, journal=plan.journal, ground=ground(plan.new_text, {}, plan.journal)
    )


def mac(number: int) -> str:
    """A device's address."""
    return f"0e:00:00:00:{number >> 8:02x}:{number & 255:02x}"


def isolation(kind: Kind = "block", number: int = 1, port: int = 2, **more: Any) -> Isolation:
    """Isolate device ``number``, heard at a port of sw1, in case ``number``."""
    vid = {3: 200, 6: 300}.get(port, 100)
    settings = {
        "cookie": number,
        "mac": mac(number),
        "place": Place("sw1", port, vid),
        **{k: more.pop(k) for k in ("cookie", "mac", "place", "addresses") if k in more},
    }
    if kind == "limit":
        more.setdefault("rate", 500)
    if kind == "revlan":
        more.setdefault("vlan", "cellar")
    return Isolation(action=Action(kind=kind, **more), **settings)


DHCP, DNS, HOST = Service("dhcp"), Service("dns", "10.0.0.53"), Service("host", "10.0.0.254")
DNS6, HOST6 = Service("dns", "2001:db8::53"), Service("host", "2001:db8::254")
SERVICES = (DHCP, DNS, HOST, DNS6, HOST6)


def rules(text: str, acl: str = "halia_hook") -> list[dict[str, Any]]:
    """The rules of one ACL of an include."""
    return [one["rule"] for one in Tree(text).plain["acls"][acl]]


def _ports(conf: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for key, one in conf.get("interface_ranges", {}).items():
        first, last = map(int, key.split("-"))
        yield from ((number, one) for number in range(first, last + 1))
    yield from conf["interfaces"].items()


def _port(
    number: int,
    conf: Mapping[str, Any],
    vlans: Mapping[str, Any],
    acls: Mapping[str, Any],
    include: Mapping[str, Any],
    names: Mapping[str, int],
) -> Iterator[Flow]:
    priority = 9000
    for acl in conf.get("acls_in", ()):
        for one in acls[acl]:
            priority -= 1
            yield _rule(number, priority, one["rule"], include.get("meters", {}), names)
    if "native_vlan" in conf:
        vid = vlans[conf["native_vlan"]]["vid"]
        yield Flow(
            1, 9000, _FAUCETS_OWN, {"in_port": number, "vlan_vid": 0}, 0, 0, 2, (), None, vid
        )


def _rule(
    port: int,
    priority: int,
    rule: Mapping[str, Any],
    meters: Mapping[str, Any],
    names: Mapping[str, int],
) -> Flow:
    actions = rule["actions"]
    outputs: Sequence[int] = actions.get("output", {}).get("ports", ())
    copied = (names[actions["mirror"]],) if "mirror" in actions else ()
    match = {
        _NAMES.get(k, k): v.removesuffix("/32").removesuffix("/128") if isinstance(v, str) else v
        for k, v in rule.items()
        if k not in {"actions", "cookie", "description"}
    }
    return Flow(
        table=0,
        priority=priority,
        cookie=rule.get("cookie", _FAUCETS_OWN),
        match={"in_port": port, **match},
        packets=0,
        bytes=0,
        goto=1 if actions["allow"] else None,
        outputs=(*outputs, *copied),
        meter=meters[actions["meter"]]["meter_id"] if "meter" in actions else None,
    )
