"""What turns flows into rows, as a model keeps it: so any other capture gives the same columns."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.errors import InputError, ModelError, OptionError, nearest
from plugin.flows.cut import LASTS, MIN_PACKETS, QUANTILE, check_quantile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.flows.cut import Last
    from plugin.flows.records import Flows

VERSION = 1
FEATURES = ("IAT", "SIZE", "IAT_SIZE", "STATS", "SAMP_NUM", "SAMP_SIZE")
"""netml's names: gaps, sizes, both in turn, statistics, packets or bytes a window."""
STATS = (
    "duration", "packets_per_s", "bytes_per_s", "size_mean", "size_std", "size_q1", "size_median",
    "size_q3", "size_min", "size_max", "packets", "bytes",
)  # fmt: skip
FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr")
"""TCP flags in order of the header features, and of the core's bits."""
SAMPLED = ("SAMP_NUM", "SAMP_SIZE")
SAMPLING_QUANTILE = 0.3
"""The window of SAMP_* is this quantile of the durations of the parts: netml's."""
PACKETS_MAX = 1_000_000
"""A document that asks for rows of more packets is damaged: rows would fill the memory."""
TIMEOUTS = (600.0, 600.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """How rows are made.

    Attributes:
        feature: one of ``FEATURES``.
        fft: the real part of the discrete Fourier transform in place of the values.
        header: counts of TCP flags and the packets' TTLs before them.
        packets: packets a row has room for; the rest of a flow is left out.
        interval: seconds; longer gaps part a flow.
        sampling: seconds a window of SAMP_*; None for the others.
        q: the quantile that interval and packets were.
        min_packets: parts of fewer packets give no row.
        timeouts: seconds without a packet that end a flow, of TCP and UDP.
        last: whether the last part of a parted flow is kept.
        version: of this document.
    """

    feature: str
    fft: bool
    header: bool
    packets: int
    interval: float
    sampling: float | None
    q: float = QUANTILE
    min_packets: int = MIN_PACKETS
    timeouts: tuple[float, float] = TIMEOUTS
    last: Last = "keep"
    version: int = VERSION

    @property
    def values(self) -> int:
        """Columns of the feature itself."""
        sizes = {"SIZE": self.packets, "IAT_SIZE": 2 * self.packets - 1, "STATS": len(STATS)}
        return sizes.get(self.feature, self.packets - 1)

    @property
    def headers(self) -> int:
        """Columns of the header fields, which come first: flags, then as many TTLs as values."""
        return len(FLAGS) + self.values if self.header else 0

    @property
    def dimension(self) -> int:
        """Columns of a row."""
        return self.headers + self.values

    def columns(self) -> tuple[str, ...]:
        """A name for each column."""
        if self.fft:
            short = self.feature.lower()
            return (
                *(f"fft_header_{i}" for i in range(self.headers)),
                *(f"fft_{short}_{i}" for i in range(self.values)),
            )
        ttls = (f"ttl_{i + 1}" for i in range(self.values))
        return (*((*FLAGS, *ttls) if self.header else ()), *self._values())

    def _values(self) -> tuple[str, ...]:
        if self.feature == "STATS":
            return STATS
        if self.feature == "IAT_SIZE":
            return tuple(f"{('iat', 'size')[i % 2]}_{i // 2 + 1}" for i in range(self.values))
        name = {"IAT": "iat", "SIZE": "size", "SAMP_NUM": "packets_in", "SAMP_SIZE": "bytes_in"}
        return tuple(f"{name[self.feature]}_{i + 1}" for i in range(self.values))

    def document(self) -> dict[str, Any]:
        """The same as JSON values."""
        return asdict(self) | {"timeouts": list(self.timeouts)}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Spec:
        """What :meth:`document` gave.

        Raises:
            ModelError: it is no such document, or one of a newer Halia.
        """
        if document.get("version") != VERSION:
            raise ModelError(
                f"its flow features have the version {document.get('version')!r}, "
                f"this Halia knows {VERSION}",
                advice="use the Halia that made it, or learn it again",
            )
        try:
            found = cls(**_taken(document))
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise ModelError(f"its flow features are damaged: {error}") from error
        wrong = _wrong(found)
        if wrong:
            raise ModelError(f"its flow features are damaged: {wrong}")
        return found


def plan(  # noqa: PLR0913 - each is one fact of the document
    flows: Flows,
    feature: str,
    *,
    interval: float,
    fft: bool = False,
    header: bool = False,
    q: float = QUANTILE,
    sampling: float | None = None,
    min_packets: int = MIN_PACKETS,
    timeouts: tuple[float, float] = TIMEOUTS,
    last: Last = "keep",
) -> Spec:
    """Rows as wide as the flows ask for: a quantile of their packets.

    Args:
        flows: the parts to learn from, after :func:`plugin.flows.cut.cut`, and after those without
            a label were left out.
        feature: one of ``FEATURES``, in any case.
        interval: seconds, what the flows were cut by.
        fft: transform the values.
        header: header fields too.
        q: the quantile of packets a row has room for.
        sampling: seconds a window of SAMP_*; by default the 0.3 quantile of durations.
        min_packets: what the flows were chosen by.
        timeouts: what the flows were ended by.
        last: what the flows were chosen by.

    Raises:
        OptionError: no such feature, no such quantile or window.
        InputError: there are no flows, or windows would have no length.
    """
    check_quantile(q)
    name = feature.upper().replace("-", "_")
    if name not in FEATURES:
        known = {each.lower(): each for each in FEATURES}
        raise OptionError(f"there is no feature {feature!r}{nearest(feature.lower(), known)}")
    if not len(flows):
        raise InputError(
            f"no part of a flow has {min_packets} packets, so there is nothing to learn from",
            advice="give a capture with more traffic",
        )
    packets = math.floor(np.quantile(flows.counts(), q))
    window = _window(flows, sampling) if name in SAMPLED else None
    made = Spec(
        feature=name,
        fft=fft,
        header=header,
        packets=min(packets, PACKETS_MAX),
        interval=float(interval),
        sampling=window,
        q=q,
        min_packets=min_packets,
        timeouts=timeouts,
        last=last,
    )
    wrong = _wrong(made)
    if wrong:
        raise OptionError(wrong)
    return made


def _window(flows: Flows, sampling: float | None) -> float:
    if sampling is not None:
        if not 0 < sampling < math.inf:
            raise OptionError(
                f"{sampling!r} s is no sampling window", advice="give a number above 0"
            )
        return float(sampling)
    found = float(np.quantile(flows.durations(), SAMPLING_QUANTILE))
    if not found:
        raise InputError(
            "the sampling window would be 0 s: too many flows have all their packets at one time",
            advice="give the sampling window in seconds, or use another feature",
        )
    return found


def _taken(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as the types they must have."""
    types: dict[str, type] = {
        "feature": str,
        "fft": bool,
        "header": bool,
        "packets": int,
        "q": float,
        "interval": float,
        "min_packets": int,
        "last": str,
        "version": int,
    }
    if set(document) != {f.name for f in fields(Spec)}:
        raise ValueError("other fields than it must have")
    taken = {name: kind(document[name]) for name, kind in types.items()}
    if any(
        type(document[k]) is not t and not (t is float and type(document[k]) is int)
        for k, t in types.items()
    ):
        raise ValueError("a field of another type than it must have")
    window = document["sampling"]
    tcp, udp = document["timeouts"]
    if any(isinstance(each, bool | str) for each in (window, tcp, udp)):
        raise ValueError("a field of another type than it must have")
    return taken | {
        "sampling": None if window is None else float(window),
        "timeouts": (float(tcp), float(udp)),
    }


def _wrong(spec: Spec) -> str:
    """What is out of its range; empty if nothing is."""
    if spec.feature not in FEATURES:
        return f"there is no feature {spec.feature!r}"
    if (spec.feature in SAMPLED) != (spec.sampling is not None):
        return "a sampling window belongs to SAMP_NUM and SAMP_SIZE only"
    checks = {
        "packets": MIN_PACKETS <= spec.packets <= PACKETS_MAX,
        "interval": 0 <= spec.interval < math.inf,
        "sampling": spec.sampling is None or 0 < spec.sampling < math.inf,
        "q": 0 < spec.q <= 1,
        "min_packets": spec.min_packets >= MIN_PACKETS,
        "timeouts": all(t > 0 for t in spec.timeouts),
        "last": spec.last in LASTS,
    }
    bad = next((name for name, right in checks.items() if not right), "")
    return f"{bad}: {getattr(spec, bad)!r} is out of its range" if bad else ""
