"""What the main directions of the reference rows do not explain of a row.

The squared length of the rest is the Q statistic (squared prediction error) of J. E. Jackson,
G. S. Mudholkar, "Control Procedures for Residuals Associated with Principal Component Analysis",
Technometrics 21 (1979). Computes only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.novelty.rows import checked, unit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SHARE = 0.95
"""Share of the references' variance that the directions kept explain."""


class Basis(NamedTuple):
    """The main directions of some rows.

    Attributes:
        centre: (columns,) mean of the rows.
        directions: (k, columns) orthonormal, by falling variance.
        variances: (k,) of the rows along them (divided by n - 1).
        share: of the variance that they explain together; 1 where there is no variance.
    """

    centre: NDArray[np.float64]
    directions: NDArray[np.float64]
    variances: NDArray[np.float64]
    share: float


def fit(references: ArrayLike, share: float = SHARE, most: int | None = None) -> Basis:
    """The fewest directions that explain ``share`` of the variance.

    Args:
        references: (n, columns) finite numbers, at least two rows.
        share: from 0 to 1.
        most: never more directions than this.

    Raises:
        ValueError: fewer rows, numbers that are not finite, a share out of range.
    """
    rows = checked(references)
    if len(rows) < 2 or not 0 <= share <= 1:  # noqa: PLR2004 - one row has no directions
        raise ValueError(f"{len(rows)} rows, share {share}: at least 2 rows, and 0 <= share <= 1")
    scale = unit(rows)
    centre = (rows * scale).mean(axis=0)
    _, sizes, directions = np.linalg.svd(rows * scale - centre, full_matrices=False)
    explained = np.concatenate([[0.0], np.cumsum(sizes**2)])
    whole = float(explained[-1])
    # A share of 1 is reached in spite of rounding.
    kept = int(np.searchsorted(explained, share * whole * (1 - 1e-12))) if whole else 0
    kept = min(kept, len(sizes) if most is None else most)
    return Basis(
        centre=centre / scale,
        directions=directions[:kept],
        variances=(sizes[:kept] / scale) ** 2 / (len(rows) - 1),
        share=float(explained[kept] / whole) if whole else 1.0,
    )


def residuals(basis: Basis, rows: ArrayLike) -> NDArray[np.float64]:
    """(n, columns) what is left of each row, in each column: what an explanation looks at.

    Args:
        basis: of :func:`fit`.
        rows: (n, columns) finite numbers.

    Raises:
        ValueError: rows of another shape, or numbers that are not finite.
    """
    apart = checked(rows, len(basis.centre)) - basis.centre
    return np.asarray(apart - (apart @ basis.directions.T) @ basis.directions)


def score_against(basis: Basis, rows: ArrayLike) -> NDArray[np.float64]:
    """(n,) length of what is left of each row, in the unit of the columns (root of Q).

    Args:
        basis: of :func:`fit`.
        rows: (n, columns) finite numbers.

    Raises:
        ValueError: rows of another shape, or numbers that are not finite.
    """
    left = residuals(basis, rows)
    scale = unit(left)
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", left * scale, left * scale)) / scale)
