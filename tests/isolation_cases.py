"""Actions of tests, and a network in which nothing is isolated yet, as each of them finds it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from plugin.actions import Action, Service
from tests.isolating import ONE_SWITCH, network
from tests.isolation_lab import IsolationLab, Shapes, isolation_lab, without_copies

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SERVER, DESK = "192.0.2.5", "192.0.2.2"
SERVER6, DESK6 = "2001:db8::5", "2001:db8::2"
ALLOW = (
    Service("dhcp"),
    Service("dns", DESK),
    Service("dns", DESK6),
    Service("host", SERVER),
    Service("host", SERVER6),
)
BLOCK = Action(kind="block")
SERVICES = Action(kind="quarantine", allow=ALLOW)
ALONE = Action(kind="quarantine")
REDIRECT = Action(kind="quarantine", allow=ALLOW, redirect=True)
LIMIT = Action(kind="limit", rate=100_000)
"""More than a few frames need: how much passes is in test_isolation_limit.py."""
APART = Action(kind="revlan", vlan="apart")


class Setup(NamedTuple):
    """A lab, and where its frames arrived before."""

    lab: IsolationLab
    before: Shapes
    """Before Halia came."""
    installed: Shapes
    """With the hook, and nobody isolated."""
    port: bool
    """The operator has an ACL at the ports of the victim and, on one switch, of m1 and m2."""


@contextmanager
def installed(
    folder: Path, *words: str, switches: str = ONE_SWITCH, port: bool = False, vlan: bool = False
) -> Iterator[Setup]:
    """Make a lab and install the hook: all frames are where they were before.

    Args:
        folder: for the programs on the hosts.
        words: options of the installation.
        switches: what stands where.
        port: whether the operator has an ACL at ports.
        vlan: whether he has one at the VLAN.
    """
    with isolation_lab(network(switches, port=port, vlan=vlan), folder) as lab:
        before = lab.check("before")
        lab.install("--quarantine-vid", "666", *words)
        if port:
            lab.model.left_out = frozenset({Service("host", SERVER)})
            lab.model.without_udp = frozenset({Service("dns", DESK)})
        found = lab.check("installed")
        same(without_copies(found), without_copies(before))
        yield Setup(lab, before, found, port)


class Case(NamedTuple):
    """Devices that are isolated at once; none depends on another."""

    actions: Mapping[str, Action]
    moves: Mapping[str, str]
    """By device: at whose port it speaks then. Nothing is written for it."""
    refused: Mapping[str, str]
    """By device: what the refusal says."""
    watched: tuple[str, ...] = ()


def trial(setup: Setup, name: str, case: Case) -> None:
    """Isolate, count, move, count, release, count: all is as before."""
    lab = setup.lab
    root, include = lab.lab.faucet_yaml.read_bytes(), lab.include()
    with released(lab):
        refused = lab.isolate(case.actions, *case.watched)
        assert refused.keys() == case.refused.keys(), refused
        assert all(case.refused[device] in why for device, why in refused.items()), refused
        lab.check(name)
        if case.moves:  # isolated wherever they speak, from the first frame on
            for device, host in case.moves.items():
                lab.move(device, host)
            lab.check(f"{name}, moved")
    assert lab.lab.faucet_yaml.read_bytes() == root
    assert lab.include() == include
    same(lab.check(f"{name}, ended"), setup.installed)


@contextmanager
def released(lab: IsolationLab) -> Iterator[None]:
    """End all isolations after the block, and have everybody speak at his own port again."""
    try:
        yield
    finally:
        for device in lab.model.devices:
            lab.move(device, device)
        assert lab.isolate({}) == {}


def same(now: Shapes, before: Shapes) -> None:
    """Fail if a frame arrives elsewhere than before, with another tag or size, or more often."""
    assert now
    changed = [
        f"{one}: {dict(now[one])}, not {dict(before[one])}"
        for one in before
        if now[one] != before[one]
    ]
    assert not changed, "\n".join(changed[:20])
