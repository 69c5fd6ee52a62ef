"""Labels of flows: which 5-tuples are known to be normal or abnormal, and when.

A label speaks of one direction, as a flow does, and of a span of time or of all of it. Where
several speak of one flow, the last one wins (netml 0.7.1 does the same with the rows of its CSV,
whose times it does not look at).
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.flows.records import KEY, TUPLE_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.flows.records import Flows

NORMAL, ABNORMAL, UNLABELLED = 0, 1, -1

ALWAYS = (-(2**63), 2**63 - 1)
"""The span of a label that has no time."""

SLACK_NS = 1_000_000
"""A span is met that a flow misses by a millisecond: logs round the times of packets."""

_KEY = struct.Struct("<16s16sHHB")
_WORDS = 5  # of 8 bytes: a 5-tuple, padded
_FIELDS = ("src_ip", "dst_ip", "src_port", "dst_port", "proto")
TUPLE = np.dtype([(name, KEY[name]) for name in _FIELDS])
"""A directed 5-tuple: what a flow's key begins with."""

_Int64 = np.dtype("int64")


class Labels(NamedTuple):
    """What is known of n directed 5-tuples, in the order in which it was told."""

    keys: NDArray[np.void]
    """(n,) of :data:`TUPLE`."""
    since: NDArray[np.int64]
    """(n,) ns since 1970: the first moment that a label speaks of."""
    until: NDArray[np.int64]
    """(n,) ns since 1970: the last."""
    values: NDArray[np.int8]
    """(n,) :data:`NORMAL` or :data:`ABNORMAL`."""

    @property
    def total(self) -> int:
        """How many labels there are (``len()`` of a named tuple is that of its fields)."""
        return len(self.values)


class LabelRows:
    """Labels as they are told, one by one."""

    def __init__(self) -> None:
        self._keys = bytearray()
        self._since, self._until = array("q"), array("q")
        self._values = array("b")

    def __len__(self) -> int:
        """How many labels were told."""
        return len(self._values)

    def add(
        self,
        ends: tuple[bytes, int, bytes, int],
        proto: int,
        value: int,
        span: tuple[int, int] = ALWAYS,
        *,
        both: bool = False,
    ) -> None:
        """Add what is known of a 5-tuple.

        Args:
            ends: the sender's address (16 bytes) and port, the receiver's address and port.
            proto: IP protocol.
            value: :data:`NORMAL` or :data:`ABNORMAL`.
            span: first and last moment, ns since 1970.
            both: it is as true of the answers.
        """
        src, src_port, dst, dst_port = ends
        self._add(_KEY.pack(src, dst, src_port, dst_port, proto), value, span)
        if both:
            self._add(_KEY.pack(dst, src, dst_port, src_port, proto), value, span)

    def _add(self, key: bytes, value: int, span: tuple[int, int]) -> None:
        self._keys += key
        self._since.append(span[0])
        self._until.append(span[1])
        self._values.append(value)

    def labels(self) -> Labels:
        """All that was told so far, as arrays of their own."""
        return Labels(
            np.frombuffer(bytes(self._keys), TUPLE),
            np.array(self._since, np.int64),
            np.array(self._until, np.int64),
            np.array(self._values, np.int8),
        )


def joined(parts: list[Labels]) -> Labels:
    """Several labels as one, the later parts told later."""
    if not parts:
        return LabelRows().labels()
    return Labels(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def match(flows: Flows, labels: Labels) -> NDArray[np.int8]:
    """Say of each flow what is known of it.

    Args:
        flows: n of them, the packets of each in order of time.
        labels: in any number; of those whose 5-tuple is the flow's and whose span meets the time
            from its first packet to its last (give or take :data:`SLACK_NS`), the last one wins.

    Returns:
        (n,) :data:`NORMAL`, :data:`ABNORMAL`, or :data:`UNLABELLED` where nothing is known.
    """
    found = _last(flows, labels)
    values: NDArray[np.int8] = np.append(labels.values, np.int8(UNLABELLED))[found]
    return values


def known(flows: Flows, labels: Labels) -> int:
    """How many flows have a 5-tuple that labels name, at whatever time.

    Where this is above 0 and :func:`match` finds nothing, the clocks differ, as by a time zone.
    """
    groups, wanted = _groups(labels.keys, flows.keys)
    return int(np.isin(wanted, groups).sum())


def _last(flows: Flows, labels: Labels) -> NDArray[np.int64]:
    """Of each flow the number of the last label that speaks of it, -1 for none."""
    groups, wanted = _groups(labels.keys, flows.keys)
    size = int(max(groups.max(initial=-1), wanted.max(initial=-1))) + 1
    timed = (labels.since > ALWAYS[0]) | (labels.until < ALWAYS[1])
    always = np.full(size, -1, _Int64)
    np.maximum.at(always, groups[~timed], np.flatnonzero(~timed))
    found = always[wanted]
    if timed.any() and len(wanted):
        rows = np.flatnonzero(timed)
        found = np.maximum(found, _timed(flows, labels, rows, groups[rows], wanted))
    return found


def _timed(
    flows: Flows,
    labels: Labels,
    rows: NDArray[np.int64],
    groups: NDArray[np.int64],
    wanted: NDArray[np.int64],
) -> NDArray[np.int64]:
    """:func:`_last` among the labels ``rows``, which have spans.

    In each group the labels stand in order of their beginnings. Those that begin before the flow
    ends are the first ones; of these, those before the first whose end (or that of one before it)
    is late enough cannot meet it. What lies between is looked at, one label a step for all flows.
    """
    first = flows.time[flows.starts[:-1]] - SLACK_NS
    last = flows.time[flows.starts[1:] - 1] + SLACK_NS
    since, until = labels.since[rows], labels.until[rows]
    # Places in the order of all moments: small numbers, so that (group, place) fits one integer.
    moments, places = np.unique(np.concatenate([since, until, first, last]), return_inverse=True)
    since_at, until_at, first_at, last_at = np.split(
        places.reshape(-1), np.cumsum([len(since), len(until), len(first)])
    )
    order = np.lexsort((rows, since_at, groups))
    base, wanted_base = groups[order] * len(moments), wanted * len(moments)
    since_sorted = base + since_at[order]
    until_sorted = base + until_at[order]
    high = np.searchsorted(since_sorted, wanted_base + last_at, side="right")
    low = np.searchsorted(np.maximum.accumulate(until_sorted), wanted_base + first_at, side="left")
    found = np.full(len(wanted), -1, _Int64)
    open_ = np.flatnonzero(low < high)
    at = low[open_]
    while len(open_):
        meets = until_sorted[at] >= wanted_base[open_] + first_at[open_]
        found[open_] = np.maximum(found[open_], np.where(meets, rows[order[at]], -1))
        at = at + 1
        more = at < high[open_]
        open_, at = open_[more], at[more]
    return found


def _groups(
    one: NDArray[np.void], other: NDArray[np.void]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the different 5-tuples of two tables alike: (len(one),) and (len(other),)."""
    words = np.concatenate([_words(one), _words(other)])
    order = np.lexsort(words.T)
    ordered = words[order]
    numbers = np.zeros(len(words), _Int64)
    if len(words):
        new = (ordered[1:] != ordered[:-1]).any(axis=1)
        numbers[order[1:]] = np.cumsum(new)
    return numbers[: len(one)], numbers[len(one) :]


def _words(keys: NDArray[np.void]) -> NDArray[np.uint64]:
    """The 5-tuples of keys that may have more fields, as (n, 5) numbers of 8 bytes."""
    packed = np.zeros((len(keys), _WORDS * 8), np.uint8)
    rows = np.ascontiguousarray(keys).view(np.uint8).reshape(len(keys), keys.dtype.itemsize)
    packed[:, :TUPLE_BYTES] = rows[:, :TUPLE_BYTES]
    return packed.view("<u8")
