"""What each algorithm's module of this folder has, and what it keeps of a fit. Computes only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Numbers = Mapping[str, float | str]
    Arrays = Mapping[str, NDArray[Any]]
    Layout = Mapping[str, tuple[str, int]]
    Chosen = Mapping[str, Any]


class Kept(NamedTuple):
    """Of a fit: all that a score needs.

    Attributes:
        numbers: single numbers and words, for the manifest.
        arrays: by name, of the types and dimensions of the module's ``LAYOUT``.
    """

    numbers: Numbers
    arrays: Arrays


class Kind(Protocol):
    """A module of this folder; options as :func:`plugin.ml.novelty.options.complete` gives them."""

    @property
    def LAYOUT(self) -> Layout:  # noqa: N802 - a constant of a module
        """Type and dimensions of each array."""

    def fit(self, options: Chosen, rows: Floats, seed: int, /) -> Kept:
        """Learn what is usual from (n, columns) finite rows.

        Raises:
            ValueError: options or rows that it cannot work with.
        """

    def check(self, kept: Kept, n_columns: int, /) -> None:
        """Hold foreign numbers and arrays against each other.

        Raises:
            ValueError: what does not fit.
        """

    def score(self, kept: Kept, rows: Floats, /) -> Floats:
        """(n,) scores of (n, columns) finite rows, larger = less usual."""


def require(holds: bool, reason: str) -> None:
    """One line of a ``check``.

    Raises:
        ValueError: it does not hold.
    """
    if not holds:
        raise ValueError(reason)


def shaped(kept: Kept, wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Hold shapes of arrays against what they must be.

    Raises:
        ValueError: the first that differs.
    """
    for name, shape in wanted.items():
        found = kept.arrays[name].shape
        require(found == shape, f"the array {name} has shape {found}, not {shape}")


def number(kept: Kept, name: str, least: float = -np.inf, most: float = np.inf) -> float:
    """A number of the manifest, within limits.

    Raises:
        ValueError: it is missing, no number, or outside.
    """
    found: object = kept.numbers.get(name)  # whatever the JSON held
    if isinstance(found, bool) or not isinstance(found, int | float) or not least <= found <= most:
        raise ValueError(f"the number {name} is none from {least:g} to {most:g}")
    return float(found)


def word(kept: Kept, name: str, known: tuple[str, ...]) -> str:
    """A word of the manifest, one of those that are known.

    Raises:
        ValueError: it is missing or another.
    """
    found = kept.numbers.get(name)
    require(found in known, f"{name} is none of {', '.join(known)}")
    return str(found)
