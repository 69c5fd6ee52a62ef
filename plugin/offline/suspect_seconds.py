"""What of a whole capture's packets a second any detector could name, found on arrays.

The conditions are the detectors' own; what is left out changes no finding. Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.ml.behaviour import dhcp_flood, tunnel, volume
from plugin.ml.behaviour.flood import FLOODS
from plugin.ml.behaviour.sums import parts_of
from plugin.ml.features.addresses import local
from plugin.ml.matrix import distinct
from plugin.offline.crowds import Window, crowded, frequent, key_of, many, member, sliding
from plugin.sessions.watch import AMOUNTS, KINDS, SECOND, merged

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from plugin.ml.behaviour.parameters import Parameters
    from plugin.offline.crowds import Keys, Mask
    from plugin.records import Rows


_NEARLY = 1 - 1e-9
"""A rate that was reached, in parts that are added up as floating-point numbers."""


class Amounts(NamedTuple):
    """Sums of windows, (n,) each, or one of each, as ``plugin.ml.behaviour.sums.Sums`` has them."""

    packets: Any
    payload: Any
    back_packets: Any
    back_payload: Any


def seconds_in(seconds: Rows, p: Parameters) -> Rows:
    """Seconds that could be part of a finding, each whole, in order of time.

    Args:
        seconds: ``SECONDS`` rows of a capture, in parts.
        p: Of the detectors.
    """
    likely = seconds[_likely(seconds, p)] if len(seconds) else seconds
    whole = merged(likely)  # a chunk may have ended within a second
    if not len(whole):
        return whole
    found = _floods(whole, p) | _sweeps(whole, p)
    for rule in rules_of(p):
        keys = _keys(whole, rule)
        at = np.flatnonzero(_of(whole["kind"], *rule.kinds) & _outside(whole, rule))
        if len(at):
            found[at] |= _exceeding(whole[at], keys[at], rule)
    chosen: Rows = whole[found]
    return chosen


class Rule(NamedTuple):
    """Sums of a window that are a finding."""

    kinds: tuple[str, ...]
    window: float
    exceeds: Callable[[Amounts], Any]
    least: Amounts
    """A finding needs so much of each, of one key in the whole capture."""
    addresses: bool = True
    """A key is a device and an address; else a device."""
    outside: bool = False
    """Only outside addresses count."""


def rules_of(p: Parameters) -> tuple[Rule, ...]:
    """The detectors of sums, as rules for arrays."""
    dns, icmp, big, out = p.dns_tunnel, p.icmp_tunnel, p.amplification, p.exfiltration
    return (
        Rule(
            ("dhcp",),
            p.dhcp_flood.window,
            lambda s: dhcp_flood.floods(p.dhcp_flood, s),
            Amounts(p.dhcp_flood.messages, 0, 0, 0),
            addresses=False,
        ),
        Rule(
            ("dns",),
            dns.window,
            lambda s: tunnel.long_queries(dns, s),
            Amounts(dns.queries, dns.queries * dns.query, 0, 0),
        ),
        Rule(
            ("dns",),
            dns.window,
            lambda s: tunnel.large_answers(dns, s),
            Amounts(0, 0, dns.queries, dns.queries * dns.answer),
        ),
        Rule(
            ("icmp",),
            icmp.window,
            lambda s: tunnel.unlike(icmp, s),
            Amounts(icmp.echoes, 0, icmp.echoes, 0),
        ),
        Rule(("icmp",), icmp.window, lambda s: tunnel.heavy(icmp, s), Amounts(0, 0, 0, 0)),
        Rule(
            ("served",),
            big.window,
            lambda s: volume.amplifies(big, s),
            Amounts(big.packets, big.bytes, 0, 0),
            outside=True,
        ),
        Rule(
            ("unasked",),
            big.window,
            lambda s: volume.amplifies(big, s) & volume.one_sided(big, s),
            Amounts(big.packets, big.bytes, 0, 0),
        ),
        Rule(
            volume.Exfiltration.kinds,
            out.window,
            lambda s: volume.leaves(out, s),
            Amounts(0, out.bytes, 0, 0),
            outside=True,
        ),
    )


def _likely(rows: Rows, p: Parameters) -> Mask:
    """(n,) parts of seconds whose kind and key have enough in the whole capture.

    The device alone is asked first, then the whole key: most rows go with the first.
    """
    found = np.zeros(len(rows), np.bool_)
    kind, mac = np.ascontiguousarray(rows["kind"]), key_of(rows["mac"])
    for rule in rules_of(p):
        at = np.flatnonzero(_of(kind, *rule.kinds))
        for name, least in zip(AMOUNTS, rule.least, strict=True):
            if len(at) and least:
                amount = rows[name][at]
                at = at[frequent(mac[at], least, amount)] if amount.sum() >= least else at[:0]
        for name, least in zip(AMOUNTS, rule.least, strict=True):
            if len(at) and least and rule.addresses:
                at = at[frequent(_keys(rows[at], rule), least, rows[name][at])]
        found[at] = True
    return found | _likely_floods(rows, p) | _likely_sweeps(rows, p)


def _likely_floods(rows: Rows, p: Parameters) -> Mask:
    """(n,) parts of seconds in which a device sends enough to anybody."""
    found = np.zeros(len(rows), np.bool_)
    table, rates = _flood_table(p)
    flood = table[rows["kind"]]
    at = np.flatnonzero(flood >= 0)
    if len(at):
        flood = flood[at]
        key = key_of(rows["mac"][at].astype(np.int64) * len(rates) + flood, rows["second"][at])
        found[at] = frequent(key, _NEARLY, rows["packets"][at] / rates[flood])
    return found


def _likely_sweeps(rows: Rows, p: Parameters) -> Mask:
    """(n,) parts of seconds of pings, of devices with enough of them."""
    found = _of(rows["kind"], "icmp")
    at = np.flatnonzero(found)
    if len(at):
        found[at] = frequent(key_of(rows["mac"][at]), p.icmp_sweep.targets)
    return found


def _keys(rows: Rows, rule: Rule) -> Keys:
    """(n,) the key of each row for a rule."""
    ip = rows["ip"]
    return key_of(rows["mac"], ip[:, 0], ip[:, 1]) if rule.addresses else key_of(rows["mac"])


def _outside(rows: Rows, rule: Rule) -> Mask:
    """(n,) rows whose address may count."""
    if not rule.outside:
        return np.ones(len(rows), np.bool_)
    return ~local(np.ascontiguousarray(rows["ip"]).view("u1").reshape(-1, 16))


def _of(kind: NDArray[np.int32], *names: str) -> Mask:
    """(n,) rows of some kinds."""
    found: Mask = np.array([name in names for name in KINDS])[kind]
    return found


def _exceeding(rows: Rows, keys: Keys, rule: Rule) -> Mask:
    """(n,) rows whose key exceeds a rule in some window."""
    slot, span = parts_of(rule.window)
    sums = sliding(keys, rows["second"] // slot, span, (rows[name] for name in AMOUNTS))
    over = rule.exceeds(Amounts(*sums))
    return member(keys, keys[over]) if over.any() else over


def _floods(rows: Rows, p: Parameters) -> Mask:
    """(n,) seconds at the rate, of floods that last."""
    table, rates = _flood_table(p)
    flood = table[rows["kind"]]
    key = key_of(rows["mac"], flood, rows["ip"][:, 0], rows["ip"][:, 1])
    second = distinct(key_of(key, rows["second"])).number
    packets = np.bincount(second, weights=rows["packets"])[second]
    full = (flood >= 0) & (packets >= rates[flood])
    burst = (flood >= 0) & (packets >= p.flood.burst * rates[flood])
    found: Mask = many(full, key, rows["second"], p.flood.seconds) | burst
    return found


def _flood_table(p: Parameters) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(kinds,) the flood that each kind makes, -1 for none; and (floods,) packets a second."""
    floods = sorted(set(FLOODS.values()))
    table = [floods.index(FLOODS[name]) if name in FLOODS else -1 for name in KINDS]
    return np.array(table), np.array([getattr(p.flood, name) for name in floods])


def _sweeps(rows: Rows, p: Parameters) -> Mask:
    """(n,) seconds of pings to many addresses."""
    window = Window(p.icmp_sweep.targets, rows["second"] * SECOND, p.icmp_sweep.window)
    key = key_of(rows["mac"])
    pings = _of(rows["kind"], "icmp") & (rows["packets"] > 0)
    pings = many(pings, key, key_of(rows["ip"][:, 0], rows["ip"][:, 1]), window.least)
    return crowded(pings, key, window)
