"""Random faucet.yaml files: what operators write, in every way that YAML lets them write it."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import strategies as st

_COMMENTS = ("# the printer", "#", "# TODO: {ask} [Bob]: why?", "# halia is here", "#\ttab - x: y")
_RULES: tuple[dict[str, Any], ...] = (
    {"dl_type": 0x800, "nw_proto": 6, "tcp_dst": 23, "actions": {"allow": 0}},
    {"eth_type": 0x800, "ipv4_src": "10.0.0.0/8", "actions": {"allow": 1}},
    {"dl_src": "0e:00:00:00:01:01", "actions": {"allow": False}},
    {"dl_type": 0x806, "description": "a: b, [c] {d} #e", "actions": {"allow": True}},
)
_ALLOW: dict[str, Any] = {"actions": {"allow": 1}}


class _Model:
    """What the file says, made from one source of chance."""

    def __init__(self, rnd: random.Random) -> None:
        self.rnd = rnd
        self.acls: dict[Any, Any] = {}
        self.names: list[Any] = []
        self.vlans: dict[Any, Any] = {}
        self.keys: list[Any] = []

    def document(self) -> dict[Any, Any]:
        rnd = self.rnd
        for name in rnd.sample(["operator", "deny all", 7, "true", "guest-in"], rnd.randint(0, 3)):
            self.acls[name] = self._acl()
            self.names.append(name)
        at_vlans = rnd.random() < 0.4
        for vid in rnd.sample([100, 200, 300, 4000], rnd.randint(1, 3)):
            self._vlan(vid, with_acls=at_vlans)
        names = ["sw1", "switch 2"][: rnd.choice((1, 1, 2))]
        stacked = len(names) > 1 and rnd.random() < 0.5
        dps = {name: self._dp(i, names, stacked=stacked) for i, name in enumerate(names)}
        found: dict[Any, Any] = {"vlans": self.vlans, "dps": dps}
        if self.acls:
            found["acls"] = self.acls
        if rnd.random() < 0.2:
            found["include-optional"] = ["nothing.yaml"]
        if rnd.random() < 0.2:
            found["version"] = 2
        return found

    def _acl(self) -> Any:
        rnd = self.rnd
        rules = [dict(r) for r in rnd.sample(_RULES, rnd.randint(0, 3))]
        if not rules or rnd.random() < 0.6:
            rules.append(dict(_ALLOW))
        wrapped: list[Any] = [{"rule": r} if rnd.random() < 0.8 else r for r in rules]
        return {"rules": wrapped} if rnd.random() < 0.2 else wrapped

    def _chain(self, conf: dict[Any, Any]) -> None:
        if self.names:
            chosen = self.rnd.sample(self.names, self.rnd.randint(1, len(self.names)))
            if len(chosen) == 1 and self.rnd.random() < 0.4:
                conf["acl_in"] = chosen[0]
            else:
                conf["acls_in"] = chosen
        elif self.rnd.random() < 0.2:
            conf["acls_in"] = []

    def _vlan(self, vid: int, *, with_acls: bool) -> None:
        rnd = self.rnd
        key: Any = rnd.choice((vid, f"v{vid}", "on" if vid == 100 else f"the {vid}"))
        conf: dict[Any, Any] = {} if key == vid else {"vid": vid}
        if rnd.random() < 0.3:
            conf["description"] = rnd.choice(("staff & guests", "'quoted'", "ünïcode ✓", "1"))
        if with_acls and rnd.random() < 0.7:
            self._chain(conf)
        if rnd.random() < 0.2:
            conf["max_hosts"] = 50
        self.vlans[key] = conf or (None if rnd.random() < 0.5 else {})
        self.keys.append(key)

    def _port(self) -> dict[Any, Any]:
        rnd = self.rnd
        conf: dict[Any, Any] = {}
        if rnd.random() < 0.7:
            conf["native_vlan"] = rnd.choice(self.keys)
        if not conf or rnd.random() < 0.3:
            free = [k for k in self.keys if k != conf.get("native_vlan")] or self.keys
            conf["tagged_vlans"] = rnd.sample(free, rnd.randint(1, len(free)))
            if conf["tagged_vlans"] == [conf.get("native_vlan")]:
                del conf["tagged_vlans"]
        if rnd.random() < 0.5:
            self._chain(conf)
        if rnd.random() < 0.3:
            conf["description"] = rnd.choice(("printer, 2nd floor", "uplink: core", "x # y"))
        return conf

    def _dp(self, index: int, names: list[str], *, stacked: bool) -> dict[Any, Any]:
        rnd = self.rnd
        ports = dict(self._numbered(n) for n in rnd.sample(range(1, 7), rnd.randint(1, 4)))
        if rnd.random() < 0.9:
            name = {"name": "col"} if rnd.random() < 0.7 else {}
            ports[rnd.choice((8, 8, 9))] = {"output_only": True, **name}
        conf = {"dp_id": rnd.choice((index + 1, index + 0x1000)), "interfaces": ports}
        if rnd.random() < 0.8:
            conf["hardware"] = "Open vSwitch"
        if stacked:
            ports[10] = {"stack": {"dp": names[1 - index], "port": 10}}
            if index == 0:
                conf["stack"] = {"priority": 1}
        if rnd.random() < 0.35:
            key = rnd.choice(("11-13", "5-6,14", "4,20-22", 15))
            conf["interface_ranges"] = {key: self._port()}
        return conf

    def _numbered(self, number: int) -> tuple[Any, dict[Any, Any]]:
        conf = self._port()
        chance = self.rnd.random()
        if chance < 0.3:
            return f"p{number}", {**conf, "number": number}
        return number, {**conf, "name": f"host {number}"} if chance < 0.5 else conf


class _Writer:
    """Writes plain values as YAML, each time in some other way."""

    def __init__(self, rnd: random.Random) -> None:
        self.rnd = rnd
        self.step = rnd.choice((2, 2, 4, 3))
        self.flow = rnd.choice((0.0, 0.2, 0.6, 1.0))
        self.comments = rnd.choice((0.0, 0.1, 0.5))
        self.anchors: dict[str, str] = {}

    def text(self, document: dict[Any, Any]) -> str:
        rnd = self.rnd
        head = rnd.choice(("", "", "---\n", "# top\n\n", "\n\n--- # x\n"))
        if rnd.random() < 0.05:
            body = self._flow(document)
        else:
            body = "\n".join(self._mapping(document, 0))
        body += rnd.choice(("\n", "\n", "", "\n\n\n", "\n# end\n", "\n# end", "\n...\n", "  \n"))
        whole = head + body
        if rnd.random() < 0.15:
            whole = whole.replace("\n", "\r\n")
        return whole

    def _mapping(self, value: dict[Any, Any], indent: int) -> list[str]:
        lines = []
        items = list(value.items())
        self.rnd.shuffle(items)
        for key, inner in items:
            lines += self._loose(indent)
            lines += self._entry(f"{' ' * indent}{self._scalar(key)}:", inner, indent, depth=1)
        return lines

    def _entry(self, head: str, value: Any, indent: int, *, depth: int) -> list[str]:
        rnd = self.rnd
        if value and isinstance(value, dict | list) and rnd.random() >= self.flow:
            deeper = indent + self.step
            tail = self._comment()
            if isinstance(value, dict):
                return [f"{head}{tail}", *self._mapping(value, deeper)]
            at = indent if rnd.random() < 0.5 and depth else deeper
            return [f"{head}{tail}", *self._sequence(value, at)]
        if value is None and rnd.random() < 0.7:
            return [f"{head}{self._comment()}"]
        return [f"{head}{rnd.choice((' ', ' ', '  '))}{self._flow(value)}{self._comment()}"]

    def _sequence(self, value: list[Any], indent: int) -> list[str]:
        lines = []
        for inner in value:
            lines += self._loose(indent)
            lead = f"{' ' * indent}-"
            if isinstance(inner, dict) and inner and self.rnd.random() >= self.flow:
                block = self._mapping(inner, indent + 2)
                first = next(i for i, line in enumerate(block) if line.strip()[:1] not in {"", "#"})
                block[first] = f"{lead} {block[first].lstrip()}"
                lines += block
            else:
                lines.append(f"{lead} {self._flow(inner)}{self._comment()}")
        return lines

    def _flow(self, value: Any) -> str:
        rnd = self.rnd
        comma = rnd.choice((", ", ", ", ",", " ,  "))
        if isinstance(value, dict):
            items = list(value.items())
            rnd.shuffle(items)
            inside = comma.join(f"{self._scalar(k)}: {self._flow(v)}" for k, v in items)
            return rnd.choice(("{%s}", "{ %s }")) % inside
        if isinstance(value, list):
            end = rnd.choice(("", "", ",")) if value else ""
            return rnd.choice(("[%s]", "[ %s ]")) % (comma.join(map(self._flow, value)) + end)
        return self._scalar(value)

    def _scalar(self, value: Any) -> str:
        rnd = self.rnd
        if isinstance(value, bool):
            return rnd.choice(("true", "True")) if value else rnd.choice(("false", "FALSE"))
        if isinstance(value, int):
            return rnd.choice((str(value), str(value), hex(value)))
        if value is None:
            return rnd.choice(("~", "null"))
        text = str(value)
        word = text.replace("-", "").replace("_", "")
        if word.isalnum() and word.isascii() and text != "true" and not text.isdigit():
            return rnd.choice((text, text, json.dumps(text), f"'{text}'"))
        quoted = "'" + text.replace("'", "''") + "'"
        return rnd.choice((json.dumps(text, ensure_ascii=False), quoted))

    def _loose(self, indent: int) -> list[str]:
        if self.rnd.random() >= self.comments:
            return []
        spaces = self.rnd.choice((indent, indent, 0, indent + 1))
        return [self.rnd.choice(("", " " * spaces + self.rnd.choice(_COMMENTS)))]

    def _comment(self) -> str:
        if self.rnd.random() >= self.comments:
            return ""
        return self.rnd.choice((" ", "   ")) + self.rnd.choice(_COMMENTS)


def _write(seed: int) -> str:
    rnd = random.Random(seed)
    return _Writer(rnd).text(_Model(rnd).document())


faucet_files = st.integers(0, 2**63).map(_write)
"""Texts of faucet.yaml; most of them Faucet accepts."""
