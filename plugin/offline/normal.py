"""Labelled captures in, a model of normal out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin import __version__
from plugin.errors import DatasetError
from plugin.ml.dataset import training_digest
from plugin.ml.novelty.fit import Options, fit
from plugin.ml.novelty.model import FORMAT, KIND, Manifest, Normal
from plugin.ml.schema import SCHEMAS
from plugin.offline.fitting import WINDOW_SECONDS
from plugin.offline.training import gather

if TYPE_CHECKING:
    from plugin.offline.learning import Labelled
    from plugin.offline.training import Skipped

FEATURES = "halia-host"
"""Of the shipped model."""
FEWEST = 5.0
"""Percentile of the references: with fewer packets or sessions than this many had, nobody is judged
by a distance from them."""


class MadeNormal(NamedTuple):
    """A model of normal and what could not serve it."""

    model: Normal
    skipped: tuple[Skipped, ...]


def make_normal(
    found: Labelled,
    *,
    features: str,
    how: Options = Options(),  # noqa: B008 - it is frozen
    name: str = KIND,
    network_column: str = "network",
    jobs: int = 1,
) -> MadeNormal:
    """Make a model of normal from captures of devices that were normal.

    Args:
        found: labelled captures; what they hold out is no reference.
        features: a key of ``SCHEMAS`` whose unit is a device.
        how: detector, and what is enough.
        name: the model's.
        network_column: the list's column of where a capture was recorded; without it each capture
            counts as recorded in the same place.
        jobs: processes.

    Raises:
        DatasetError: too few captures can be used.
    """
    gathered = gather(found.listing, features, jobs=jobs)
    learned = [
        k for k, digest in enumerate(gathered.material.digests) if digest not in found.held_out
    ]
    material = gathered.material.take(np.array(learned, np.int64))
    networks = [sample.columns.get(network_column, "") for sample in material.samples]
    try:
        fitted = fit(material.rows.to_dense(), material.labels, networks, how)
    except ValueError as error:
        raise DatasetError(str(error), where=str(found.listing.root)) from error
    schema = SCHEMAS[features]
    counts = {role: material.labels.count(role) for role in fitted.roles}
    manifest = Manifest(
        format=FORMAT,
        kind=KIND,
        name=name,
        version="1",
        detector=how.detector,
        schema_name=schema.name,
        schema_version=schema.version,
        schema_hash=schema.hash,
        roles=fitted.roles,
        alarms=how.alarms,
        least=how.least,
        min_packets=int(np.percentile(material.packets, FEWEST)),
        min_sessions=int(np.percentile(material.sessions, FEWEST)),
        window_seconds=WINDOW_SECONDS,
        training_digest=training_digest(material.digests),
        created="",
        metrics={"references": counts, "networks": len(set(networks))},
        versions={"halia": __version__, "numpy": np.__version__},
    )
    return MadeNormal(Normal(manifest, fitted.arrays), gathered.skipped)
