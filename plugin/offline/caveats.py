"""What a test of a recipe cannot tell; or tells, of a model that learned nothing. Computes only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugin.ml.calibration import ACCEPTED_RIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plugin.ml.dataset import Cases
    from plugin.ml.evaluate import Evaluation


def notes(cases: Cases, classes: Sequence[str], *, asked_for: bool) -> Iterator[str]:
    """What the captures leave a test unable to tell.

    Args:
        cases: what is learned.
        classes: their names.
        asked_for: the groups are those that somebody asked to leave out.
    """
    y, groups = cases.y, np.array(cases.material.groups, dtype=object)
    alone = [name for k, name in enumerate(classes) if len(set(groups[y == k])) == 1]
    if alone:
        yield (
            f"all captures of {', '.join(alone)} are of one group: while such a class is tested it"
            " has never been learned, and figures and thresholds come out accordingly; give it"
            " captures of another device"
        )
    if not asked_for and list(groups) == list(cases.material.paths):
        yield (
            "each capture is a group of its own: where several are of one device, the test knows"
            " that device, and flatters; name devices by folders ROLE/DEVICE/, or a column device"
        )


def no_better(tested: Evaluation, threshold: float) -> Iterator[str]:
    """That a model has learned nothing that its test shows."""
    if tested.accuracy.value <= tested.majority:
        yield (
            f"WARNING: the test shows nothing learned: {tested.accuracy.value:.3f} are right, and"
            f" {tested.majority:.3f} by always naming the commonest class"
        )
    if threshold <= 1 / len(tested.classes):
        yield (
            f"WARNING: no confidence was found from which on {ACCEPTED_RIGHT:.0%} of the answers"
            f" are right: the model calls known from {threshold:.2f} on, which is every answer"
        )
