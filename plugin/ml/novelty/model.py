"""A model of normal: a manifest, and rows of devices whose role is known. Nothing that can run.

Arrays, with n reference rows, d columns of the feature set and r roles:

``rows`` (n, d) float32: the references. ``role`` (n,) int32: of each, a position in
``Manifest.roles``. ``group`` (n,) int32: rows of one group come from one network (of one capture,
where all of a role are of one network), and were held out together. ``unit`` (d,) float64: what
counts as one in a column. ``typical`` (r + 1,) float64: the middle distance of a role's rows from
the others, 0 where they are too few; last that of all rows. ``threshold`` (r + 1,) float64: in
times the typical distance, how far is novel. ``given`` (n,), ``free`` (n,) float64: how far each
row was when its group was held out, from its role's others and from all others; -1 where they were
too few. Computes only; files are read in :mod:`plugin.ml.store`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.ml import fields
from plugin.ml.novelty.detectors import DETECTORS, can

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FORMAT = 1
KIND = "normal"
"""What the manifest says that it is; a model of roles says nothing."""
NONE = -1.0
"""In place of a distance where there was nothing to measure it from."""


class Manifest(NamedTuple):
    """What a model of normal was made for and from."""

    format: int
    """1."""
    kind: str
    """"normal"."""
    name: str
    """Letters, digits, dot, dash, underscore."""
    version: str
    detector: str
    """How far a row is from others; a key of ``DETECTORS``."""
    schema_name: str
    schema_version: int
    schema_hash: str
    """``Schema.hash`` of the feature set; another one is refused."""
    roles: tuple[str, ...]
    """Labels as models of roles and the verdict have them."""
    alarms: float
    """Share of the references that may be novel when held out; thresholds are made for it."""
    least: int
    """A role with fewer references is not compared with its own ones only."""
    min_packets: int
    """Fewer packets of the device: not judged."""
    min_sessions: int
    window_seconds: float
    """Recommended length of a capture."""
    training_digest: str
    """SHA-256 over the sorted SHA-256 digests of the captures."""
    created: str
    """ISO 8601 time; empty when builds must be repeatable."""
    metrics: Mapping[str, Any]
    """What its evaluation found; free form."""
    versions: Mapping[str, str]
    """Of halia and numpy that made it."""
    arrays_sha256: str = ""
    """Of arrays.npz; set when the model is saved."""


class Normal(NamedTuple):
    """A manifest and its arrays."""

    manifest: Manifest
    arrays: Mapping[str, NDArray[Any]]

    def place(self, label: str | None) -> int | None:
        """The position of a role that has references enough; None if it has not."""
        roles = self.manifest.roles
        place = roles.index(label) if label in roles else None
        return place if place is not None and self.arrays["typical"][place] > 0 else None

    def references(self, place: int | None) -> NDArray[np.float32]:
        """(n, d) the references of one role, as extracted; of all roles for None."""
        rows: NDArray[np.float32] = self.arrays["rows"]
        return rows if place is None else rows[self.arrays["role"] == place]

    def scaled(self, rows: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n, d) rows in units of the model, as detectors take them."""
        return np.asarray(rows / self.arrays["unit"], np.float64)


def parse_manifest(document: object) -> Manifest:
    """Check a manifest that was read.

    Raises:
        ValueError: the first thing that is wrong, in words.
    """
    manifest = Manifest(**fields.read(document, _FIELDS, FORMAT))
    if manifest.kind != KIND:
        raise ValueError(f"kind {fields.show(manifest.kind)} is not {KIND}")
    if manifest.detector not in DETECTORS:
        known = ", ".join(DETECTORS)
        raise ValueError(f"detector {fields.show(manifest.detector)} is none of {known}")
    if not manifest.roles:
        raise ValueError("roles is empty")
    return manifest


def check(arrays: Mapping[str, Any], manifest: Manifest, n_columns: int) -> None:
    """Hold the arrays against each other, the manifest and the features.

    Args:
        arrays: as the module tells.
        manifest: theirs.
        n_columns: of the feature set.

    Raises:
        ValueError: what does not fit.
    """
    n, n_roles = len(arrays["rows"]), len(manifest.roles)
    wanted = {
        "rows": (n, n_columns),
        "role": (n,),
        "group": (n,),
        "unit": (n_columns,),
        "typical": (n_roles + 1,),
        "threshold": (n_roles + 1,),
        "given": (n,),
        "free": (n,),
    }
    for name, shape in wanted.items():
        found = arrays[name].shape
        _require(found == shape, f"the array {name} has shape {found}, not {shape}")
    role = arrays["role"]
    _require(bool(((role >= 0) & (role < n_roles)).all()), "a reference has no role")
    _require(float(np.abs(arrays["rows"]).max()) <= _VALUE_MAX, "a reference is out of range")
    _require(float(arrays["unit"].min()) >= 1 / _VALUE_MAX, "a unit is not above 0")
    typical, threshold = arrays["typical"], arrays["threshold"]
    _require(float(threshold.min()) > 0, "a threshold is not above 0")
    _require(float(typical.min()) >= 0, "a typical distance is below 0")
    _require(float(typical[-1]) > 0, "the typical distance of all rows is 0")
    for name, some in (("typical distance", typical[typical > 0]), ("threshold", threshold)):
        within = bool(((some >= _FAR_MIN) & (some <= _VALUE_MAX)).all())
        _require(within, f"a {name} is out of range")
    normal = Normal(manifest, arrays)
    for place in (*np.flatnonzero(typical[:-1] > 0).tolist(), None):
        rows = normal.references(place)
        who = "the model" if place is None else manifest.roles[place]
        _require(len(rows) > manifest.least, f"{who} has {len(rows)} references, too few")
        enough = can(manifest.detector, normal.scaled(rows))
        _require(enough, f"{who} has too few different references for {manifest.detector}")


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise ValueError(reason)


_VALUE_MAX = 1e6  # sums over any number of columns stay finite
_FAR_MIN = 1e-20  # so do distances over it; what rounding leaves of a distance is above it

_FIELDS: fields.Fields = {
    "format": fields.count,
    "kind": fields.text,
    "name": fields.model_name,
    "version": fields.name,
    "detector": fields.text,
    "schema_name": fields.name,
    "schema_version": fields.count,
    "schema_hash": fields.digest,
    "roles": fields.names,
    "alarms": fields.probability,
    "least": fields.count,
    "min_packets": fields.count,
    "min_sessions": fields.count,
    "window_seconds": fields.positive,
    "training_digest": fields.digest,
    "created": fields.text,
    "metrics": fields.free,
    "versions": fields.texts,
    "arrays_sha256": fields.digest,
}
