"""Rows of features that remember how they were made, so that a model of them can be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plugin.flows.records import Flows
    from plugin.flows.spec import Spec

_MAKING = ("feature", "fft", "header", "packets", "interval", "sampling")
"""Parts of a spec that tell what stands in a row."""


class Features(np.ndarray[Any, np.dtype[np.float64]]):
    """An array (n, columns) of float64 that knows its ``spec``, and perhaps the flows it is of.

    Parts of it, as ``train_test_split`` makes them, still know the ``spec``; what is computed of
    it is a plain array. ``flows`` is known of the whole only: where a model was made for rows of
    another width, the rows that it needs are made of them.
    """

    spec: Spec | None
    flows: Flows | None
    whose: Whose | None

    def __array_finalize__(self, of: object) -> None:
        """Hand on what is known of the rows."""
        self.spec = getattr(of, "spec", None)
        self.flows = None
        self.whose = None

    def __reduce__(self) -> Any:
        """What goes to another process still knows how it was made, and whose it is."""
        of_array: Any = super().__reduce__()
        make, arguments, state = of_array
        return make, arguments, (state, self.spec, self.whose)

    def __setstate__(self, state: Any) -> None:
        """See :meth:`__reduce__`."""
        array, self.spec, self.whose = state
        super().__setstate__(array)

    def __array_wrap__(
        self, array: NDArray[Any], context: Any = None, return_scalar: bool = False
    ) -> Any:
        """What is computed is no row of features any more."""
        return array[()] if return_scalar else np.asarray(array)


class Whose:
    """Whose each row is: rows as in a file of features, and names of captures."""

    __slots__ = ("captures", "rows")

    def __init__(self, rows: NDArray[np.void], captures: tuple[str, ...]) -> None:
        """Take them as they are."""
        self.rows = rows
        self.captures = captures


def features(
    values: NDArray[np.float64],
    spec: Spec,
    *,
    flows: Flows | None = None,
    whose: Whose | None = None,
) -> Features:
    """Rows that know where they come from.

    Args:
        values: (n, ``spec.dimension``).
        spec: how they were made.
        flows: the n flows.
        whose: of each row.
    """
    made = np.asarray(values, np.float64).view(Features)
    made.spec, made.flows, made.whose = spec, flows, whose
    return made


def spec_of(rows: object) -> Spec | None:
    """How rows were made, where they know it."""
    found: Spec | None = getattr(rows, "spec", None)
    return found


def fitting(rows: object, spec: Spec | None) -> Any:
    """Rows as a model needs them: made again for it where their own were made otherwise.

    Args:
        rows: what somebody wants to have scored.
        spec: how the rows were made that the model was learned from.
    """
    flows = getattr(rows, "flows", None)
    own = spec_of(rows)
    if flows is None or spec is None or own is None or own == spec:
        return rows
    from plugin.flows.features import matrix

    return matrix(flows, spec)


def otherwise(own: Spec | None, learned: Spec | None) -> str:
    """In what rows differ from those that a model was learned from; empty: in nothing known.

    How flows were chosen is not looked at: it says which rows there are, not what is in them.
    """
    if own is None or learned is None:
        return ""
    pairs = ((name, getattr(own, name), getattr(learned, name)) for name in _MAKING)
    return ", ".join(f"{name} {one}, not {other}" for name, one, other in pairs if one != other)
