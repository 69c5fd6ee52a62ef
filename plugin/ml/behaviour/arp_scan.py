"""ARP scan: a device asks for many addresses of its own network that are nobody's (RFC 826).

A sweep of one's own network opens no session to an address that nobody has: all that is seen are
the questions who has it. So many of them in vain, and few answered, is what a person can check.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from plugin.addresses import address_text
from plugin.ml.behaviour.finding import (
    EXAMPLES,
    SECOND,
    TIMES_KEPT,
    Bounded,
    Finding,
    Found,
    Weighed,
)
from plugin.traffic import Arp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugin.ml.behaviour.parameters import ArpScanParameters
    from plugin.traffic import Event

REQUEST, REPLY = 1, 2


class Outcome(NamedTuple):
    """What came of the addresses that a device asked for."""

    vain: int
    asked: int
    answered: int
    examples: tuple[bytes, ...]
    """Some of those in vain."""


def arp_scan(p: ArpScanParameters, outcome: Outcome) -> Finding:
    """Words for it."""
    asks = f"{outcome.asked} addresses asked for by ARP in {p.window:g} s"
    return Finding(
        "arp-scan",
        float(outcome.vain),
        float(p.targets),
        (f"{asks}, {outcome.answered or 'none'} answered",),
        tuple(map(address_text, outcome.examples)),
    )


class _Question(NamedTuple):
    """Somebody asked who has an address."""

    time: int
    mac: str
    answered: bool = False


class _Asker:
    """What one device asked for lately, and what came of it."""

    __slots__ = ("answered_by", "quiet_until", "targets", "vain")

    def __init__(self) -> None:
        self.targets: OrderedDict[bytes, tuple[int, bool]] = OrderedDict()
        """When it was asked for last, and whether it was answered."""
        self.vain = 0
        self.answered_by: set[bytes] = set()
        """Some that ever answered: so its answers can be seen."""
        self.quiet_until = 0

    @property
    def count(self) -> int:
        """Addresses that are remembered."""
        return len(self.targets)

    def note(self, time: int, target: bytes, *, answered: bool) -> None:
        """An address was asked for, and this came of it; the last time counts."""
        self.forget(target)
        self.targets[target] = (time, answered)
        self.vain += not answered

    def forget(self, target: bytes) -> None:
        """It was never asked for."""
        _, answered = self.targets.pop(target, (0, True))
        self.vain -= not answered

    def trim(self, since: int, most: int) -> None:
        """Forget what is older, and the oldest where there are too many."""
        while self.targets:
            target, (time, _) = next(iter(self.targets.items()))
            if time >= since and len(self.targets) <= most:
                return
            self.forget(target)


class ArpScan:
    """Each question waits for its answer; what came of it is counted per device.

    Not counted: who says who he is (asks for his own address), and addresses whose owners were
    heard of lately: where these do not answer, it is their answers that are not seen.
    """

    takes = Arp

    def __init__(self, parameters: ArpScanParameters) -> None:
        """Start with nothing asked."""
        self._p = parameters
        self._grace = round(parameters.grace * SECOND)
        self._span = round(parameters.window * SECOND)
        self._now = 0
        self._waiting: OrderedDict[tuple[bytes, bytes], _Question] = OrderedDict()
        self._heard: Bounded[bytes, list[int]] = Bounded(parameters.tracked)
        self._most = TIMES_KEPT * parameters.targets
        self._askers: Weighed[str, _Asker] = Weighed(parameters.tracked, self._most)

    def step(self, event: Event) -> Iterator[Found]:
        """Take an ARP packet, or only the time: questions may have waited long enough."""
        self._now = max(self._now, event.time)
        yield from self._settled(len(self._waiting))
        if isinstance(event, Arp):
            self._take(event)
            yield from self._settled(self._p.waiting)

    def _take(self, arp: Arp) -> None:
        if any(arp.sender_ip[12:]):
            self._heard.touch(arp.sender_ip, lambda: [0])[0] = self._now
        if arp.operation == REQUEST and arp.sender_ip != arp.target_ip:
            key = (arp.sender_ip, arp.target_ip)
            self._waiting.setdefault(key, _Question(self._now, arp.mac))
        elif arp.operation == REPLY:
            key = (arp.target_ip, arp.sender_ip)
            asked = self._waiting.get(key)
            if asked is not None:  # keeps its place
                self._waiting[key] = asked._replace(answered=True)

    def _settled(self, most: int) -> Iterator[Found]:
        """Settle what waited for the grace, and the oldest where more than ``most`` wait.

        The answered wait too: so all are counted in the order in which they were asked for.
        """
        while self._waiting:
            (_, target), asked = next(iter(self._waiting.items()))
            if asked.time + self._grace >= self._now and len(self._waiting) <= most:
                return
            self._waiting.popitem(last=False)
            heard = self._heard.get(target)
            if asked.answered or heard is None or heard[0] < asked.time - self._span:
                yield from self._counted(target, asked)

    def _counted(self, target: bytes, asked: _Question) -> Iterator[Found]:
        p, now = self._p, asked.time
        asker = self._askers.touch(asked.mac, _Asker)
        before = asker.count
        asker.note(now, target, answered=asked.answered)
        asker.trim(now - self._span, self._most)
        self._askers.grew(asker.count - before)
        if asked.answered:
            if len(asker.answered_by) < p.answers:
                asker.answered_by.add(target)
            return
        answered = len(asker.targets) - asker.vain
        if (
            asker.vain < p.targets
            or answered >= p.answered * len(asker.targets)
            or len(asker.answered_by) < p.answers
            or now < asker.quiet_until
        ):
            return
        asker.quiet_until = now + round(p.repeat * SECOND)
        vain = [ip for ip, (_, is_answered) in asker.targets.items() if not is_answered]
        outcome = Outcome(asker.vain, len(asker.targets), answered, tuple(vain[:EXAMPLES]))
        yield Found(asked.time, asked.mac, arp_scan(p, outcome))
