"""Decisions of a policy of 100 rules about 10,000 devices: CPU time of each, ledger included.

A decision is what a verdict costs: all rules asked of the device (:func:`evaluate`), and the ledger
told. No peer does this step, so it is held against a fixed goal: 2,000 a second. What the ledger
alone costs is shown with a tenth of the devices beside it: it must not grow with their number.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.actions import Place, Report
from plugin.policy import cases as told
from plugin.policy.document import read_policy
from plugin.policy.evaluate import Evaluation, evaluate
from plugin.policy.ledger import Ledger
from plugin.policy.subject import RoleSeen, Seen, Subject, Surroundings, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from plugin.policy.rules import Policy

DEVICES, RULES, ISOLATED = 10_000, 100, 190
START = 1_800_000_000.0
DECISION_US = 500.0
REPORT_US = 20_000.0
"""One comes each second at most."""
ROLES = ("Printer", "Workstation", "IP phone", "Administrator server", "Camera", "Unknown")


class Step(NamedTuple):
    """One phase."""

    name: str
    decisions: int
    us: float
    """CPU microseconds a decision."""
    ledger_us: float
    """Of these, the ledger's."""
    small_us: float
    """The ledger's with a tenth of the devices."""
    goal: float

    @property
    def met(self) -> bool:
        """Whether it is fast enough."""
        return self.us <= self.goal


def policy(rules: int = RULES, isolated: int = ISOLATED) -> Policy:
    """Rules of all kinds, those that apply last."""
    asks = (
        "networks: [192.168.{n}.0/24], behaviours: [beacon, dga]",
        "roles: [Camera], min_confidence: 0.95, behaviours: [exfiltration]",
        "anomalies: [anomalous], windows: {{at_least: 3, of: 8}}, min_packets: {n}00000",
        "vendors: ['acme{n}*'], behaviours: [udp-flood]",
        'ports: ["sw999:{n}"], anomalies: [changed, anomalous]',
        "novelty: 5.{n}, change: 5.{n}, min_sessions: 1{n}",
    )
    lines = [
        "halia-policy: 1", "learning: 0", "protect: {macs: ['02:ff'], networks: [10.255.0.0/16]}",
        f"caps: {{devices: {isolated}, percent: 100, per_switch: 200, per_hour: 200}}", "rules:",
    ]  # fmt: skip
    for n in range(rules - 2):
        ask = asks[n % len(asks)].format(n=n)
        lines.append(f"  - {{name: r{n}, match: {{{ask}}}, action: quarantine, mode: simulate}}")
    lines += [
        "  - {name: trial, match: {behaviours: [new]}, action: block}",
        "  - {name: last, match: {behaviours: [scan]}, action: block, mode: enforce}",
    ]
    return read_policy("\n".join(lines), "bench.yaml")


def subjects(devices: int) -> list[Subject]:
    """Devices of a large site: all that can be known is known of each."""
    rnd = random.Random(5)
    return [_subject(number, rnd) for number in range(devices)]


def run_policy(devices: int = DEVICES) -> list[Step]:
    """Measure with so many devices, and with a tenth of them."""
    large, small = _run(devices), _run(devices // 10)
    last = len(large) - 1
    return [
        Step(name, count, us, ledger_us, small[n][3], REPORT_US if n == last else DECISION_US)
        for n, (name, count, us, ledger_us) in enumerate(large)
    ]


def policy_lines(steps: Iterable[Step]) -> list[str]:
    """The report as text."""
    lines = [f"policy of {RULES} rules; CPU of a decision, and the ledger's part"]
    for one in steps:
        met = "met" if one.met else "MISSED"
        parts = f"{one.ledger_us:>7.1f} ledger, {one.small_us:.1f} with a tenth of the devices"
        rate = f"{1e6 / one.us:>9,.0f}/s (goal {1e6 / one.goal:,.0f})"
        lines.append(
            f"  {met:<7} {one.name:<34} {one.decisions:>7,} {one.us:>7.1f} us {rate} {parts}"
        )
    return lines


def policy_object(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """The report as JSON's types."""
    return [{**one._asdict(), "met": one.met} for one in steps]


class _Site:
    """A ledger, and the devices that it sees."""

    def __init__(self, devices: int) -> None:
        self.policy = policy(isolated=min(ISOLATED, devices // 5))
        self.subjects = {one.mac: one for one in subjects(devices)}
        around = Surroundings(devices, 1, None, None, None)
        self.ledger = Ledger(
            self.policy,
            began=START,
            look=lambda mac: (self.subjects[mac], around),
            mates=lambda _: (),
        )

    def show(self, behaviour: str) -> None:
        """Have every device behave so."""
        seen = (Seen(behaviour, 9.0, 1.0, ("it does",), START, f"id-{behaviour}"),)
        self.subjects = {m: replace(s, behaviours=seen) for m, s in self.subjects.items()}

    def decide(self, name: str) -> tuple[str, int, float, float]:
        """Judge every device once."""
        made = list(self.subjects.values())
        found: list[Evaluation] = []
        asked = _timed(lambda one: found.append(evaluate(self.policy, one, START)), made)
        kept = _timed(lambda one: self.ledger.step(told.Evaluated(one), START + 1.0), found)
        return name, len(made), asked + kept, kept

    def proven(self) -> told.Reported:
        """All that is wanted stands."""
        wanted = frozenset(one.cookie for one in self.ledger.desired())
        report = Report(
            wanted=wanted, written=wanted, loaded=wanted, proven=wanted, probing=True
        )  # fmt: skip
        return told.Reported(report)


def _run(devices: int) -> list[tuple[str, int, float, float]]:
    site = _Site(devices)
    step = site.ledger.step
    found = [site.decide("nothing applies")]
    site.show("new")
    found += [site.decide("one on trial applies"), site.decide("the same again")]
    site.show("scan")
    found.append(site.decide("all offend: isolated, then frozen"))
    assert len(site.ledger.desired()) == min(ISOLATED, devices // 5)
    assert site.ledger.frozen is not None
    found.append(site.decide("all offend on"))
    ticks = _timed(lambda now: step(told.Elapsed(), now), [START + 2 + n / 1e3 for n in range(999)])
    found.append(("a tick, every device in a case", 999, ticks, ticks))
    reports = _timed(lambda one: step(one, START + 3), [site.proven()] * 99)
    found.append((f"a report of {len(site.ledger.desired())}", 99, reports, reports))
    return found


def _timed(do: Callable[[Any], object], made: Sequence[Any]) -> float:
    """CPU microseconds of each."""
    begun = time.process_time()
    for one in made:
        do(one)
    return round((time.process_time() - begun) / len(made) * 1e6, 3)


def _subject(number: int, rnd: random.Random) -> Subject:
    role = RoleSeen("known", rnd.choice(ROLES), rnd.random(), "demo")
    windows = tuple(
        Window(
            f"{n}.pcap", f"id-{number}-{n}", START - 60.0 * n, rnd.randrange(5_000),
            rnd.randrange(90), role.decision, role.label, role.confidence,
            rnd.choice(("normal", "novel", "changed")), rnd.random() * 2, rnd.random() * 2, (),
        )
        for n in range(8)
    )  # fmt: skip
    return Subject(
        mac=(0x020000000000 + number).to_bytes(6, "big").hex(":"),
        place=Place(f"sw{number // 1000}", number % 48 + 1, 100),
        addresses=(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", f"fe80::{number:x}"),
        vendor="Example Corp", first_seen=START, last_seen=START, role=role, windows=windows,
        captures=8,
    )  # fmt: skip
