"""The page docs/anomaly-figures.md in words and tables."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plugin.ml import signs
from plugin.ml.signs import SIGNS, WINDOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.tables.anomaly_captures import Table
    from scripts.tables.anomaly_figures import Figures
    from scripts.tables.anomaly_shipped import Exposure, Judged, Point

    Named = Sequence[tuple[str, ...]]

_INTRODUCTION = """\
# Anomalies: figures

Written by `python -m scripts.tables.anomaly --shared DIR`; do not edit. What a suspicion is:
[suspicion.md](suspicion.md); behaviours: [behaviours.md](behaviours.md); novelty:
[novelty.md](novelty.md).

{harmless} harmless captures in {families} families ({names}) and {attacks} attack captures in
{folders} folders from {sources} sources. Captures whose source does not say, or says both, are in
neither, and no more are those outside the folder of attacks that roles are learned from, though
there is an attack in them (but see the end). A capture's score is that of its worst device, and
where rows are windows ({minutes:.0f} minutes) of its worst window.

**Few networks stand behind this**: 264 of the harmless captures are gadgets being set up in one
laboratory; there are 26 of office machines, and no ordinary web user at all. Intervals are 95 %
bootstraps that draw whole families and whole sources; they do not know what was never recorded.
"""
_TRIALS = """\
## New is not bad

One family of harmless devices is left out at a time, and a fold of the others; the detector learns
from the rest. *Seen*: AUC of attacks against harmless captures of seen families. *Left out*: AUC of
attacks against harmless families that it has never seen, each capture counting the same; *by
family*: each family; *office*: each office family. *Harmless news*: the same detector's AUC of
harmless left-out families against seen ones: what is above .50 there is no sign of an attack but of
news. **The result is the difference.** *Found* and *alarms*: shares of attacks and of left-out
harmless captures at a threshold fixed beforehand for 5 % of the harmless captures of seen families.
*By family* there: each family counting the same. *Controls* know nothing but how much there is:
what they tell apart is how the captures were made. The two rows of suspicion have the threshold
that ships, 1, and signs that may not accuse alone count to below it; the others of signs have one
of this table. An AUC counts those signs, too, and rests mostly on them: see the row of those that
may accuse alone. What tells attacks from gadgets best is what offices do daily.

| detector | seen | left out | by family | office | harmless news | found | alarms | by family |
|---|---|---|---|---|---|---|---|---|"""
_POINTS = """\
## Operating points

*Found*: attack captures in which some device's verdict is `anomalous`. *Alarms*: harmless captures
that suspicion (for behaviours: a behaviour) alarms about, each with its own family left out of the
floors; *by family*: each family counting the same. Floors for attacks are those of all harmless
captures, as shipped.

| suspicion | threshold | found by suspicion | by it or a behaviour | alarms | by family |
|---|---|---|---|---|---|"""
_MISSES = """\
What is missed is mostly one of two things. Administration misused with valid credentials (one or
two sessions to SMB or RPC of a server): from headers it is what workstations and administrators do
all day; only the directory's own log tells. And malware that is fetched from a web server in plain
text, or calls one: to headers it is a web page.
"""
_UNSAID = """\
## Other captures that nobody calls harmless

*unknown*: the source does not say; *mixed*: it says both; *yes*: there is an attack in it, but it
is not in the folder of attacks, because roles are learned from it. They are laboratory recordings,
most made while attacks were studied. Only the choice between thresholds looked at them.

| capture | source says | suspicious | foremost sign | score |
|---|---|---|---|---|"""
_EXPOSURE = """\
A share of captures is no rate: most were ended after a minute or two, when a device had been set
up. By length:

| a capture lasts | captures | hours in all | alarms of suspicion | of either |
|---|---|---|---|---|"""
_TRIED = """\
## What was tried

The signs were written with the attack captures known: their sessions were listed before the first
sign was defined, and the list was revised five times while figures like these were looked at (signs
that only added noise among harmless devices went; what any office may do daily cannot accuse
alone). About 190 combinations were measured on these very captures: floors at four quantiles and by
family, with and without a lead; steps, ratios to the floor and surprisal; sum, maximum and norms
over signs and groups of signs; eight ways of learning weights from attacks. AUC against left-out
families ranged from .69 to .86, the share found at about 5 % false alarms from .17 to .68. The
shipped one is not the best of them: it is among the simplest (floors, a maximum, a threshold of 1
that no attack had a part in), and what it does not count is named here.

* With routers judged like other devices, and every sign but two accusing alone, AUC against
  left-out families was .85 [.71, .95] (and .51 for harmless news), and .55 of the attack captures
  were found at .02 false alarms. A router's signs are those of all behind it, so they say nothing
  of it, and routers of real sites would alarm daily.
* Floors of common knowledge ([suspicion.md](suspicion.md) has each with its reason) came last:
  before, a traceroute, a printer that is switched off, a video call, the names that a busy PC asks
  for, files by FTP, a VPN over TLS, multicast video, a reverse proxy and a server of ten addresses
  were all accused; 302 captures, mostly of gadgets, show none of them. The floors are what offices
  do, not what attacks leave over. Their price, before and after on the same captures: found by
  suspicion .29 and .12, by it or a behaviour .39 and .29 (22 and 16 of 56); alarms of suspicion two
  and one; AUC of behaviours and suspicion against left-out families .82 and .86. Six captures are
  lost that no behaviour names: TrickBot C2, Dridex and two of Trickbot, because what they exchange
  with one outside port of no known service (58 kB to 1.3 MB) is little for a VPN or a web
  application there (the sign may not accuse alone any more); wmiexec, because names of 131 bytes
  are what IPv6 addresses are looked up by (and there is nothing else about them); a scan of ten
  ports, because eight are asked of a domain controller that is down. Three more that behaviours
  name are under no suspicion besides: guessed FTP passwords (40 SYNs a second), scheduled tasks
  (five ports), names that carry data (202 bytes).
* Weights learned from attacks (none of the folder and none of the source of the attack that is
  judged) did worse than no weights: AUC .72 to .81.
* Calibrated for 5 %, the threshold comes below 1: a few more attacks, and nearly every office
  capture of unsaid kind. Trust was worth more; the table of operating points has both.
* That a plain-text download of a quarter of a megabyte accuses alone would find several more
  malware captures, and every computer that fetches its updates over HTTP. There is no ordinary web
  user among the harmless captures to show it: it was left out on principle, not by measurement.
* Three more signs may not accuse alone since they were held against ordinary work of the lab's
  hosts, which had no part in anything before: seven recordings of an hour, 73 devices, alarms in
  six of them; without, in none. That cost attacks that are found by no other sign (guessed SSH
  passwords below the behaviour's threshold, ZeroLogon).
* The aim was 70 % of the attack captures at 5 % false alarms. No combination came to it.
"""


_PAIRS = """\
## The same device before and during an attack, in the lab

What is called by a name and how soon is of behaviours; the last column of each table is of
suspicion, the whole recording looked at. The aim is no alarm in an hour of normal work: it is
reached by a lab that is up and by hosts that are as busy as their profiles say; in haste two
workstations are taken for guessing passwords, because they open a session to the file server every
few seconds. That suspicion accuses nobody proves less: three of its signs may not accuse alone
because they did so in hours like these ([suspicion.md](suspicion.md) has hours of other offices).
"""
AUC_AIM, FOUND_AIM, ALARMS_AIM = 0.85, 0.70, 0.05
_NOT_SO = {"elcab_schtasks": " (for another reason: there is no spoofer in it)"}


def introduction(table: Table) -> list[str]:
    """What the page is about."""
    attack = table.attack
    families = Counter(case.family for case in table.cases if not case.attack)
    sources = len(set(table.column("source")[attack].tolist()))
    kinds = len(set(table.column("kind")[attack].tolist()))
    by_size = sorted(families.items(), key=lambda pair: (-pair[1], pair[0]))
    text = _INTRODUCTION.format(
        harmless=int((~attack).sum()),
        families=len(families),
        names=", ".join(f"{name} {n}" for name, n in by_size),
        attacks=int(attack.sum()),
        folders=kinds,
        sources=sources,
        minutes=WINDOW / 60,
    )
    return [text]


def trials(rows: Sequence[tuple[str, Figures]]) -> list[str]:
    """The table of detectors."""
    lines = [_TRIALS]
    for name, one in rows:
        cells = (
            one.seen,
            one.left,
            one.left_by_family,
            one.left_office,
            one.news,
            one.found,
            one.alarms,
            one.alarms_by_family,
        )
        lines.append(f"| {name} | {' | '.join(map(str, cells))} |")
    last = rows[-1][1]
    within = last.found.value >= FOUND_AIM and last.alarms.value <= ALARMS_AIM
    aims = (
        (
            f"AUC against left-out families {last.left}",
            f"{AUC_AIM:.2f}",
            last.left.value >= AUC_AIM,
        ),
        (
            f"found {last.found} at alarms {last.alarms}",
            f"{FOUND_AIM:.2f} at {ALARMS_AIM:.2f} at most",
            within,
        ),
    )
    told = [
        f"* {what}: the aim was {aim}, {'reached' if met else 'missed'}." for what, aim, met in aims
    ]
    return [*lines, "", "Of the last row:", "", *told, ""]


def points(found: Sequence[Point]) -> list[str]:
    """The table of operating points."""
    lines = [_POINTS]
    for one in found:
        limit = "-" if one.words.startswith("behaviours") else f"{one.threshold:.2f}"
        lines.append(
            f"| {one.words} | {limit} | {one.found} | {one.both} | {one.alarms} | {one.by_family} |"
        )
    return [*lines, ""]


def by_kind(table: Table, judged: Sequence[Judged], named: Named) -> list[str]:
    """Found by folder."""
    lines = [
        "## Found, by folder",
        "",
        "| folder | captures | by a behaviour | by suspicion | by either |",
        "|---|---|---|---|---|",
    ]
    attack = np.flatnonzero(table.attack).tolist()
    kinds = sorted({table.cases[k].kind for k in attack})
    for kind in [*kinds, "all"]:
        some = [k for k in attack if kind in {table.cases[k].kind, "all"}]
        b = [bool(named[k]) for k in some]
        s = [judged[k].yes for k in some]
        either = sum(x or y for x, y in zip(b, s, strict=True))
        lines.append(f"| {kind} | {len(some)} | {sum(b)} | {sum(s)} | {either} |")
    return [*lines, ""]


def misses(table: Table, judged: Sequence[Judged], named: Named) -> list[str]:
    """Capture by capture."""
    lines = [
        "## Capture by capture",
        "",
        "| attack capture | what it is | found as | foremost sign | score |",
        "|---|---|---|---|---|",
    ]
    for k in np.flatnonzero(table.attack).tolist():
        case, one = table.cases[k], judged[k]
        said = ", ".join(named[k]) or ("suspicion" if one.yes else "**missed**")
        path = case.path.removeprefix("attacks/")
        said += _NOT_SO.get(Path(path).stem, "")
        lines.append(f"| `{path}` | {case.attack_type} | {said} | {_sign(one)} | {one.score:.2f} |")
    return [*lines, "", _MISSES, _TRIED]


def alarms(table: Table, left_out: Sequence[Judged], named: Named) -> list[str]:
    """False alarms, one by one."""
    lines = [
        "## False alarms",
        "",
        "Harmless captures that suspicion or a behaviour alarms about, family left out:",
        "",
        "| harmless capture | family | behaviours | foremost sign | score |",
        "|---|---|---|---|---|",
    ]
    for k, one in zip(np.flatnonzero(~table.attack).tolist(), left_out, strict=True):
        case = table.cases[k]
        if one.yes or named[k]:
            said = ", ".join(named[k]) or "-"
            path = case.path.removeprefix("devices/")
            lines.append(f"| `{path}` | {case.family} | {said} | {_sign(one)} | {one.score:.2f} |")
    return [*lines, ""]


def exposure(found: Sequence[Exposure]) -> list[str]:
    """The same alarms by how long was looked."""
    lines = [_EXPOSURE]
    for one in found:
        cells = one.words, one.captures, f"{one.hours:.1f}", one.suspicion, one.either
        lines.append(f"| {' | '.join(map(str, cells))} |")
    last = found[-1]
    rate = f"one in {last.hours / last.either:.0f} hours" if last.either else "none"
    told = f"In captures of more than an hour that is {rate}, most of which some devices slept."
    return [*lines, "", told, ""]


def unsaid(found: Sequence[tuple[str, str, Judged]]) -> list[str]:
    """What nobody labelled."""
    lines = [_UNSAID]
    for path, label, one in found:
        yes = "yes" if one.yes else "no"
        lines.append(f"| `{path}` | {label} | {yes} | {_sign(one)} | {one.score:.2f} |")
    return [*lines, ""]


def pairs(section: str | None) -> list[str]:
    """The tables of pairs recorded in the lab, if there are any."""
    return [] if section is None else [_PAIRS, section.rstrip()]


def _sign(one: Judged) -> str:
    return signs.said(SIGNS[one.sign], one.value) if one.score else "none"
