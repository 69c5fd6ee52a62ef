"""A small site under attack: engine, policy reader, ledger and renderer as they are in a run.

Whoever writes the file and asks the switches is stood for: everything that is wanted is rendered,
read back from the text, and proven at once. What counts as isolated is what stands in that file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.actions import Isolation, Place, Report
from plugin.app.portkinds import ports
from plugin.engine import Engine, Options
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.faucet.isolate import lay, read
from tests.grounds import HOOKED, Site, site
from tests.playbook import START, found, learned, policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plugin.engine.commands import Command
    from plugin.policy.cases import Told
    from plugin.policy.rules import Policy

SITE = site()
SERVER, CLIENT, ATTACKER = "02:00:00:00:01:01", "02:00:00:00:01:02", "02:00:00:00:01:66"
SERVER_PORT, CLIENT_PORT, ATTACKER_PORT = 1, 2, 3
SCAN = (
    "{name: scanners, match: {behaviours: [horizontal-scan]}, action: block, mode: enforce,"
    " duration: 1h, grace: 10m%s}"
)
WIDE = "caps: {devices: 200, percent: 100, per_switch: 200, per_hour: 1000}"
"""Caps that stop nobody, for attacks that other guards must stop."""


def scanners(head: str = "", more: str = "", learning: str = "0") -> Policy:
    """A policy that isolates at the first scan."""
    return policy(SCAN % more, head=head, learning=learning)


def forged(number: int) -> str:
    """A MAC that somebody made up."""
    return f"06:66:00:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


class Besieged:
    """A site; the time stands still until :meth:`wait`.

    Args:
        rules: What the operator wrote; None: nothing.
        restored: What an earlier run left.
        options: Of the engine.
        where: The installation.
    """

    def __init__(
        self,
        rules: Policy | None,
        *,
        restored: ev.Restored | None = None,
        options: Options | None = None,
        where: Site = SITE,
    ) -> None:
        self.site, self.engine, self.now = where, Engine(options), START
        self.include = where.include()
        self.commands: list[Command] = []
        self._proven = frozenset[int]()
        if rules is not None:
            self.tell(ev.PolicyRead(rules))
        self.tell(restored or ev.Restored((), (), began=START - 1e7))
        self.tell(ports(where.ground, {"faucet.yaml": where.root}))

    def peopled(self, number: int = 100) -> Besieged:
        """Have so many devices more at the site: percentages are of something."""
        for n in range(number):
            self.hear(f"0c:00:00:00:{n >> 8:02x}:{n & 255:02x}", n + 1, dp_name="elsewhere")
        return self

    def tell(self, event: Any) -> list[Command]:
        """Something happens; what is wanted comes to stand, and is proven."""
        return self._done(self.engine.step(event, self.now))

    def order(self, told: Told) -> list[Command]:
        """Somebody orders something."""
        return self._done(self.engine.order(told, self.now))

    def hear(self, mac: str, port: int = ATTACKER_PORT, **changed: Any) -> list[Command]:
        """The switch hears a MAC at a port."""
        words: dict[str, Any] = {"address": None, **changed}
        return self.tell(learned(mac, after=self.now - START, port=port, **words))

    def scan(self, mac: str, *, after: float | None = None) -> list[Command]:
        """A MAC is seen to scan the network."""
        begun = self.tell(ev.CaptureOpened(mac, f"trace_{mac.replace(':', '')}.pcap"))
        at = self.now - START if after is None else after
        return begun + self.tell(ev.Behaved(found(mac, after=at)))

    def wait(self, seconds: float, step: float = 5.0) -> list[Command]:
        """Let time pass."""
        commands: list[Command] = []
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + step, end)
            commands += self.tell(ev.Tick())
        return commands

    def isolated(self) -> list[str]:
        """Whom our file isolates: as it is read back, by MAC."""
        return sorted(one.mac for one in read(self.include))

    def alarms(self, mac: str | None = None) -> list[str]:
        """Kinds of the alarms so far, about a device if one is given."""
        told = [one for one in self.commands if isinstance(one, do.Alarm)]
        return [one.kind for one in told if mac is None or one.mac == mac]

    def words(self) -> list[str]:
        """What the alarms said."""
        return [one.text for one in self.commands if isinstance(one, do.Alarm)]

    def _done(self, commands: list[Command]) -> list[Command]:
        everything = list(commands)
        while (wish := _last_wish(commands)) is not None:
            commands = self.engine.step(self._report(wish), self.now)
            everything += commands
        self.commands += everything
        return everything

    def _report(self, wish: do.Enforce) -> ev.Reported:
        laid = lay(wish.isolations, self.site.ground)
        self.include = self.site.stages(laid.stages)
        wanted = frozenset(one.cookie for one in wish.isolations)
        stand = wanted - laid.refused.keys()
        gone, self._proven = self._proven - stand, stand
        return ev.Reported(
            Report(
                wanted=wanted,
                written=stand,
                loaded=stand,
                proven=stand,
                absent=gone,
                refused=laid.refused,
                probing=True,
            )
        )


def _last_wish(commands: Iterable[Command]) -> do.Enforce | None:
    wishes = [one for one in commands if isinstance(one, do.Enforce)]
    return wishes[-1] if wishes else None


def wanted(commands: Iterable[Command]) -> tuple[Isolation, ...]:
    """What is to stand after some commands."""
    wish = _last_wish(commands)
    return () if wish is None else wish.isolations


__all__ = ("HOOKED", "SITE", "Besieged", "Place", "forged", "scanners", "wanted")
