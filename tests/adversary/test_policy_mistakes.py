"""A policy's file that is edited while Halia runs: whatever is wrong with it, nothing happens."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from plugin.app.ruling import Ruling
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.offline.policy import load_policy
from tests.besieged import ATTACKER, CLIENT, SERVER, Besieged
from tests.fabric import Answering
from tests.playbook import START, role, verdict

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.policy.rules import Policy

GOOD = f"""\
halia-policy: 1
learning: 0
protect:
  macs: ["{SERVER}"]
rules:
  - name: scanners
    match: {{behaviours: [horizontal-scan]}}
    action: block
    mode: enforce
    duration: 1h
"""
HEAD = "halia-policy: 1\n"
RULE = "rules: [{name: a, match: {behaviours: [horizontal-scan]}, action: block, mode: enforce"
NINES = "9" * 5_000
MISTAKES: dict[str, str | bytes] = {
    "empty": "",
    "blank": "\n\n# nothing\n",
    "nul": "\0" * 100,
    "latin": "halia-policy: 1 # caf\xe9\n".encode("latin-1"),
    "binary": bytes(range(256)) * 40,
    "list": "- halia-policy: 1\n",
    "scalar": "block everybody\n",
    "tabs": "halia-policy: 1\nrules:\n\t- name: x\n",
    "no version": GOOD.replace("halia-policy: 1\n", ""),
    "next version": GOOD.replace("halia-policy: 1", "halia-policy: 2"),
    "two documents": GOOD + "---\n" + GOOD,
    "half": GOOD[: len(GOOD) // 2] + "\n  - {",
    "key twice": GOOD + "learning: 7d\n",
    "rule twice": GOOD + GOOD[GOOD.index("  - name") :],
    "unknown key": GOOD + "enforce: all\n",
    "unknown action": GOOD.replace("block", "destroy"),
    "unknown mode": GOOD.replace("enforce", "yes please"),
    "no such behaviour": GOOD.replace("horizontal-scan", "horizontal-scam"),
    "match of everybody": GOOD.replace("{behaviours: [horizontal-scan]}", "{}"),
    "match of a VLAN alone": GOOD.replace("{behaviours: [horizontal-scan]}", "{vlans: [100]}"),
    "novelty alone": GOOD.replace("{behaviours: [horizontal-scan]}", "{novelty: 1}"),
    "no such tag": GOOD.replace("[horizontal-scan]", "[horizontal-scan], tags: [gone]"),
    "protect nobody it knows": GOOD.replace(SERVER, "the server"),
    "protect a half octet": GOOD.replace(f'"{SERVER}"', '"02:0"'),
    "network too long": GOOD.replace(f'macs: ["{SERVER}"]', "networks: [10.0.0.0/33]"),
    "port without a switch": GOOD.replace(f'macs: ["{SERVER}"]', 'ports: ["1"]'),
    "caps of none": GOOD + "caps: {devices: 0}\n",
    "caps beyond the hook": GOOD + "caps: {devices: 201}\n",
    "caps not a number": GOOD + "caps: {percent: .nan}\n",
    "caps of digits": GOOD + f"caps: {{devices: {NINES}}}\n",
    "endless": GOOD.replace("1h", "1e400h"),
    "backwards": GOOD.replace("1h", "-1h"),
    "digits": GOOD.replace("1h", f"{NINES}h"),
    "hours of no day": GOOD + "maintenance: [{days: [someday], from: '25:00', to: '26:00'}]\n",
    "allow the world": GOOD + "allow: [{host: 0.0.0.0/0}]\n",
    "allow a group": GOOD + "allow: [{dns: 224.0.0.251}]\n",
    "deep": "[" * 1_500,
    "bomb": HEAD + "a: &a [x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 8)}]\n" for n in range(9)
    ),
    "itself": HEAD + "rules: &r [*r]\n",
    "dangling alias": HEAD + "rules: *nobody\n",
    "python": HEAD + "rules: !!python/object/apply:os._exit [3]\n",
    "escape": HEAD + 'rules: [{name: "\\uFFFFFFFF"}]\n',
    "huge": HEAD + "#" * (1 << 20),
    "link": "link",
    "circle": "circle",
    "folder": "folder",
    "pipe": "pipe",
    "gone": "gone",
}  # fmt: skip


def spoil(file: Path, name: str) -> None:
    content = MISTAKES[name]
    file.unlink()
    if name == "link":
        file.symlink_to("/dev/zero")
    elif name == "circle":
        file.symlink_to(file.name)
    elif name == "folder":
        file.mkdir()
    elif name == "pipe":
        os.mkfifo(file)
    elif isinstance(content, bytes):
        file.write_bytes(content)
    elif name != "gone":
        file.write_text(content, encoding="utf-8")


class Edited:
    """A site whose policy is read from a file by who looks after it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "policy.yaml"
        self.file.write_text(GOOD, encoding="utf-8")
        self.inbox = Answering()
        self.ruling = Ruling(self.file, _read, self.inbox)
        self.site = Besieged(_read(self.file)).peopled()
        for n, mac in enumerate((ATTACKER, CLIENT, SERVER)):
            self.site.hear(mac, n + 1)
        self.site.wait(100)
        self.site.scan(ATTACKER)
        assert self.site.isolated() == [ATTACKER]

    def reread(self) -> list[Any]:
        for _ in range(3):
            self.ruling.look()
        taken = self.inbox.take(0)
        for item in taken:
            self.site.tell(item)
        self.site.wait(60)
        return taken


def _read(file: Path) -> Policy:
    return load_policy(file)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_changes_nothing_and_is_told_with_its_place(name: str, tmp_path: Path) -> None:
    one = Edited(tmp_path)
    before = one.site.engine.deciding.policy
    spoil(one.file, name)
    (told,) = one.reread()
    assert isinstance(told, ev.Noticed)
    assert told.kind == "policy"
    assert "the policy stays as it was" in told.text
    assert "policy.yaml" in told.text
    assert one.site.engine.deciding.policy is before
    assert one.site.isolated() == [ATTACKER]
    one.site.scan(CLIENT)  # the old one is in force still
    one.site.scan(SERVER)
    assert one.site.isolated() == sorted([ATTACKER, CLIENT])
    assert "policy" in one.site.alarms()

    if one.file.is_dir():
        one.file.rmdir()
    else:
        one.file.unlink(missing_ok=True)
    one.file.write_text(GOOD + "# right again\n", encoding="utf-8")
    back = one.reread()
    assert [type(item) for item in back] == [ev.PolicyRead, ev.Noticed]
    assert one.site.isolated() == sorted([ATTACKER, CLIENT])


@pytest.mark.parametrize("lines", range(1, GOOD.count("\n")))
def test_a_file_that_is_cut_short_isolates_and_frees_nobody(lines: int, tmp_path: Path) -> None:
    """An editor that writes in place, or a full disk: what is left may be a policy by accident."""
    one = Edited(tmp_path)
    one.file.write_text("".join(GOOD.splitlines(keepends=True)[:lines]), encoding="utf-8")
    one.reread()
    assert one.site.isolated() == [ATTACKER]
    one.site.scan(SERVER)
    assert one.site.isolated() == [ATTACKER]
    steps = [c.transition for c in one.site.commands if isinstance(c, do.AnnounceDecision)]
    assert {one.case.state for one in steps if one.case.mac != ATTACKER} <= {"simulated"}


def test_a_file_that_changes_all_the_time_is_not_read_in_between(tmp_path: Path) -> None:
    one = Edited(tmp_path)
    for n in range(20):
        one.file.write_text(GOOD + "#" * (n + 1), encoding="utf-8")
        one.ruling.look()
    assert one.inbox.take(0) == []


def test_a_rule_that_would_hit_everybody_is_stopped_by_the_caps(tmp_path: Path) -> None:
    """A mistake that no reader can see: everything is allowed to be a scanner."""
    one = Edited(tmp_path)
    wide = GOOD.replace("{behaviours: [horizontal-scan]}", "{roles: [Printer]}")
    one.file.write_text(wide, encoding="utf-8")
    one.reread()
    for n in range(16):
        one.site.hear(f"0c:22:00:00:00:{n:02x}", (1, 2, 10, 11)[n % 4])
    macs = [device.mac for device in one.site.engine.registry]
    for turn in range(3):
        for mac in macs:
            at = one.site.now - START
            seen = verdict(mac, end=at, role=role("known", "Printer"))
            one.site.tell(ev.Judged(f"{mac}{turn}.pcap", seen, None))
    assert ATTACKER in one.site.isolated()
    assert SERVER not in one.site.isolated()
    assert len(one.site.isolated()) <= 5
    assert one.site.alarms().count("caps") == 1
