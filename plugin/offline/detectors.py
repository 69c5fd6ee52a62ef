"""Detectors that installed packages offer besides ours."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from plugin.ml.novelty import registry

if TYPE_CHECKING:
    from collections.abc import Mapping


def names() -> tuple[str, ...]:
    """The names of all detectors that can be made here, sorted."""
    return registry.names(metadata.entry_points(group=registry.GROUP))


def make(
    name: str, options: Mapping[str, object] | None = None, *, seed: int = 0
) -> registry.Detector:
    """A detector by its name: ours, scikit-learn's or an installed package's.

    Args:
        name: one of :func:`names`.
        options: by keyword, those of its class.
        seed: of those that take chance.

    Raises:
        OptionError: no such name, or no detector of such options.
    """
    found = metadata.entry_points(group=registry.GROUP)
    return registry.make(name, options, seed=seed, foreign=found)
