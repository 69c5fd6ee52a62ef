"""``halia-host`` and ``halia-host-sent``: one row a device, from the headers of its packets.

Sizes, gaps, order and kinds of packets, by direction; services; stack; peers; sessions. What a
column means is told by :func:`definitions`, what it is about by :func:`groups`. In
``halia-host-sent`` no column depends on a packet that the device received: a mirror port that
shows one direction only, or a laboratory that recorded so, gives the same row. Nothing looks at
a MAC or IP address as such, at a name, at absolute time or at captured lengths. Computes only.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.core.layout import NO_SESSION
from plugin.ml.features import (
    host_kinds,
    host_peers,
    host_sessions,
    host_shapes,
    host_stack,
)
from plugin.ml.features.host_block import View
from plugin.ml.features.host_owners import Owners, by_mac
from plugin.ml.features.host_parts import part_of, sorted_by
from plugin.ml.matrix import Matrix, empty, from_dense, vstack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from plugin.ml.features.host_block import Block, Column

FULL, SENT = "halia-host", "halia-host-sent"
_NEVER = np.iinfo(np.int64).max
_ROWS_MAX = 1 << 11
"""Rows that are dense at once: 20 MB."""


@cache
def blocks(*, sent_only: bool = False) -> tuple[Block, ...]:
    """The blocks of columns of one of the two sets, in order."""
    parts = (
        *host_kinds.BLOCKS,
        *host_shapes.BLOCKS,
        *host_stack.BLOCKS,
        *host_peers.BLOCKS,
        *host_sessions.BLOCKS,
    )
    if not sent_only:
        return parts
    return (*(block for block in parts if block.sent_only), host_sessions.BY_FLOWS)


@cache
def columns(*, sent_only: bool = False) -> tuple[Column, ...]:
    """The columns of one of the two sets, in order."""
    return tuple(c for block in blocks(sent_only=sent_only) for c in block.columns)


def definitions(*, sent_only: bool = False) -> dict[str, str]:
    """What each column is: its name -> definition and unit."""
    return {c.name: f"{c.definition} [{c.unit}]" for c in columns(sent_only=sent_only)}


def groups(*, sent_only: bool = False) -> dict[str, tuple[int, ...]]:
    """Columns by what they tell about, for ablations: group -> column numbers; a partition."""
    found: dict[str, list[int]] = {}
    first = 0
    for block in blocks(sent_only=sent_only):
        found.setdefault(block.group, []).extend(range(first, first + len(block.columns)))
        first += len(block.columns)
    return {group: tuple(numbers) for group, numbers in found.items()}


def rows(
    packets: NDArray[np.void],
    sessions: NDArray[np.void],
    mac_ids: NDArray[np.integer],
    *,
    n_macs: int,
    sent_only: bool = False,
) -> Matrix:
    """One row for each of the devices, all in one pass.

    Args:
        packets: (n,) records of ``PACKET.dtype()`` in file order.
        sessions: the same capture's ``SESSION.dtype()`` records.
        mac_ids: (n_devices,) indices into the capture's MAC table, none twice; -1 gives an empty
            row.
        n_macs: length of that table.
        sent_only: the set ``halia-host-sent``.

    Returns:
        (n_devices, n_columns); a device without packets has an empty row.
    """
    return of_owners(
        packets,
        sessions,
        by_mac(packets, sessions, mac_ids, n_macs),
        len(mac_ids),
        sent_only=sent_only,
    )


def of_device(
    packets: NDArray[np.void], sessions: NDArray[np.void], mac_id: int, name: str = FULL
) -> Matrix:
    """(1, n_columns) the row of one device, by the name of the set; see :func:`rows`."""
    owners = Owners(
        *(
            np.where(ids == mac_id, 0, -1)
            for ids in (
                packets["src_mac"],
                packets["dst_mac"],
                sessions["orig_mac"],
                sessions["resp_mac"],
            )
        )
    )
    return of_owners(packets, sessions, owners, 1, sent_only=name == SENT)


def first_sessions(
    packets: NDArray[np.void],
    sessions: NDArray[np.void],
    mac_id: int,
    counts: Sequence[int],
    name: str = FULL,
) -> Matrix:
    """Rows of one device as if its capture held only its first sessions.

    A row looks at the packets of these sessions, and at those without a session (ARP) that came
    before the next session began.

    Args:
        packets: (n,) records of ``PACKET.dtype()`` in file order.
        sessions: the device's ``SESSION.dtype()`` records, in order of id.
        mac_id: the device.
        counts: (n_rows,) how many sessions each row looks at.
        name: the set.

    Returns:
        (n_rows, n_columns)
    """
    mine = packets[(packets["src_mac"] == mac_id) | (packets["dst_mac"] == mac_id)]
    place = np.searchsorted(sessions["id"], mine["session"])
    begins = np.append(sessions["start"], _NEVER)
    # The place of a packet without a session: how many sessions began before it.
    before = np.searchsorted(np.maximum.accumulate(begins), mine["time"], "left")
    place = np.where(mine["session"] == NO_SESSION, before - 1, place)
    chosen = [np.flatnonzero(place < count) for count in counts]
    row = np.repeat(np.arange(len(counts)), [len(one) for one in chosen])
    taken = mine.take(np.concatenate(chosen))
    heads = [np.arange(min(count, len(sessions))) for count in counts]
    head_row = np.repeat(np.arange(len(counts)), [len(one) for one in heads])
    records = sessions.take(np.concatenate(heads))
    owners = Owners(
        np.where(taken["src_mac"] == mac_id, row, -1),
        np.where(taken["dst_mac"] == mac_id, row, -1),
        np.where(records["orig_mac"] == mac_id, head_row, -1),
        np.where(records["resp_mac"] == mac_id, head_row, -1),
    )
    return of_owners(taken, records, owners, len(counts), sent_only=name == SENT)


def of_owners(
    packets: NDArray[np.void],
    sessions: NDArray[np.void],
    owners: Owners,
    n_rows: int,
    *,
    sent_only: bool = False,
) -> Matrix:
    """The same for rows of any kind, such as windows (:mod:`plugin.ml.features.host_owners`).

    A packet from a device to itself counts as sent and as received; a session so once, from its
    originator.

    Returns:
        (n_rows, n_columns)
    """
    return sets_of_owners(packets, sessions, owners, n_rows, (SENT if sent_only else FULL,))[0]


def sets_of_owners(
    packets: NDArray[np.void],
    sessions: NDArray[np.void],
    owners: Owners,
    n_rows: int,
    names: Sequence[str],
) -> tuple[Matrix, ...]:
    """The same for several sets at once: columns that they share are computed once.

    Returns:
        For each name (n_rows, n_columns).
    """
    sets = [blocks(sent_only=name == SENT) for name in names]
    sent_only = FULL not in names
    sent, received = sorted_by(owners.sender), sorted_by(owners.receiver)
    views = _views(owners)
    parts = [[empty(sum(len(block.columns) for block in wanted))] for wanted in sets]
    for begin in range(0, n_rows, _ROWS_MAX):
        end = min(begin + _ROWS_MAX, n_rows)
        none = begin, begin
        first, last = np.searchsorted(views.owner, none if sent_only else (begin, end)).tolist()
        back = part_of(packets, received, none if sent_only else (begin, end), "dst")
        view = View(
            part_of(packets, sent, (begin, end), "src"),
            back,
            sessions.take(views.session[first:last]),
            views.is_orig[first:last],
            views.owner[first:last] - begin,
        )
        # Blocks stand for themselves: there is one of each, whichever sets it is in.
        each = {id(block): block for wanted in sets for block in wanted}
        known = {key: block.compute(view) for key, block in each.items()}
        for part, wanted in zip(parts, sets, strict=True):
            dense = np.concatenate([known[id(block)] for block in wanted], axis=1)
            part.append(from_dense(dense.astype(np.float32)))
    return tuple(vstack(part) for part in parts)


class _Views(NamedTuple):
    """Every (row, session) pair, sorted by row, then by session."""

    session: NDArray[np.int64]
    is_orig: NDArray[np.bool_]
    owner: NDArray[np.int64]


def _views(owners: Owners) -> _Views:
    other = np.where(owners.orig == owners.resp, -1, owners.resp)
    owner = np.concatenate([owners.orig, other])
    session = np.concatenate([np.arange(len(owners.orig))] * 2)
    is_orig = np.arange(len(owner)) < len(owners.orig)
    order = np.lexsort((session, owner))
    order = order[np.searchsorted(owner[order], 0) :]
    return _Views(session[order], is_orig[order], owner[order])
