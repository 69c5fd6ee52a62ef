"""What ``halia-host`` is made of: named columns, in blocks that compute them. Computes only."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from plugin.ml.features.host_parts import Part

SECOND = 1_000_000_000
SIDES = {"sent": "sent by the device", "received": "addressed to the device"}


class Column(NamedTuple):
    """One feature."""

    name: str
    unit: str
    """``share`` (0 to 1), ``log10(1 + n)`` of a number n, or what the value counts."""
    definition: str


class View(NamedTuple):
    """Everything that rows are computed from."""

    sent: Part
    received: Part
    """Without packets when only sent ones are looked at."""
    sessions: NDArray[np.void]
    """(n,) session records, one for each device at an end of it."""
    is_orig: NDArray[np.bool_]
    """(n,) whether the row's device is the originator."""
    owner: NDArray[np.int64]
    """(n,) row of each, ascending."""


class Block(NamedTuple):
    """Columns that are computed together."""

    group: str
    """For ablations: what the columns tell about."""
    columns: tuple[Column, ...]
    compute: Callable[[View], NDArray[np.float64]]
    """Gives (n_rows, n_columns)."""
    sent_only: bool
    """Whether no value depends on a packet that the device received."""


def sided(
    group: str, columns: Sequence[Column], compute: Callable[[Part], NDArray[np.float64]]
) -> tuple[Block, Block]:
    """The same columns twice: of the packets sent, and of those received."""
    return (
        sent(group, columns, compute),
        Block(group, _named("received", columns), lambda view: compute(view.received), False),
    )


def sent(
    group: str, columns: Sequence[Column], compute: Callable[[Part], NDArray[np.float64]]
) -> Block:
    """Columns of the packets sent."""
    return Block(group, _named("sent", columns), lambda view: compute(view.sent), True)


def _named(side: str, columns: Sequence[Column]) -> tuple[Column, ...]:
    return tuple(
        Column(f"{side}_{name}", unit, f"{text}; of packets {SIDES[side]}")
        for name, unit, text in columns
    )


def shares_of(name: str, edges: Sequence[float], what: str) -> list[Column]:
    """Columns of a histogram: below the first edge, from edge to edge, from the last one on.

    Args:
        name: what the names begin with.
        edges: (n,) ascending; there are n + 1 columns.
        what: the definition up to the bounds.
    """
    texts = [f"{edge:g}" for edge in edges]
    names = [f"{name}_below_{texts[0]}", *(f"{name}_from_{text}" for text in texts)]
    bounds = [
        f"below {texts[0]}",
        *(f"from {low} to below {high}" for low, high in pairwise(texts)),
        f"{texts[-1]} or more",
    ]
    return [Column(one, "share", f"{what} {b}") for one, b in zip(names, bounds, strict=True)]


def binned(values: NDArray[Any], edges: Sequence[float]) -> NDArray[np.int64]:
    """(n,) column of :func:`shares_of` that each value falls into."""
    return np.searchsorted(np.asarray(edges), values, "right").astype(np.int64)


def log(values: NDArray[Any]) -> NDArray[np.float64]:
    """log10(1 + n)."""
    return np.log10(1.0 + values)


def columns_of(*parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Put (n_rows,) and (n_rows, k) arrays side by side."""
    return np.concatenate([part if part.ndim > 1 else part[:, None] for part in parts], axis=1)
