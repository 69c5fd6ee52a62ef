"""A profile as JSON's types, and back. Pure.

Rows are float32, little endian, deflated and in base64: most of their values are 0. Whatever is
read may be torn or foreign: nothing is believed but what fits.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from plugin.ml.change.profile import Profile, fresh

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from plugin.ml.change.distance import Layout

FORMAT = 1
ROWS_MAX = 4096
_LEVEL = 6


class OtherFeaturesError(ValueError):
    """A profile that is whole, and of another Halia: it cannot be compared with."""


def to_document(profile: Profile) -> dict[str, Any]:
    """The profile as JSON's types, with a digest of all of it."""
    document = {
        "format": FORMAT,
        "schema": profile.schema,
        "columns": int(profile.rows.shape[1]),
        "learned": profile.learned,
        "since": profile.since,
        "observed": profile.observed,
        "last": profile.last,
        "levels": profile.levels.tolist(),
        "times": profile.times.tolist(),
        "rows": rows_text(profile.rows),
        "waits": profile.waits.tolist(),
        "waiting": rows_text(profile.waiting),
        "strains": profile.strains.tolist(),
        "strained": rows_text(profile.strained),
        "novel": list(profile.novel),
    }
    return document | {"digest": _digest(document)}


def from_document(document: Mapping[str, Any], how: Layout) -> Profile:
    """The profile of :func:`to_document`.

    Raises:
        OtherFeaturesError: it is of another feature set.
        ValueError: it is torn, of another format, or no profile at all.
    """
    try:
        return _read(document, how)
    except (AttributeError, KeyError, OverflowError, TypeError) as error:
        raise ValueError(f"is no profile: {error!r}") from error


def _read(document: Mapping[str, Any], how: Layout) -> Profile:
    if document["format"] != FORMAT:
        raise ValueError(f"is of format {document['format']!r}, not {FORMAT}")
    if document["digest"] != _digest({k: v for k, v in document.items() if k != "digest"}):
        raise ValueError("is damaged: its digest is another one")
    if document["schema"] != how.schema or document["columns"] != len(how.names):
        raise OtherFeaturesError("was learned with another feature set")
    times, waits = numbers_from(document["times"]), numbers_from(document["waits"])
    since = _finite(document["since"])
    strains = numbers_from(document.get("strains", ()))  # older pasts have none
    levels = numbers_from(document["levels"])
    if len(levels) != len(how.groups):
        raise OtherFeaturesError("was learned with other groups of features")
    return Profile(
        schema=how.schema,
        rows=rows_from(document["rows"], len(times), how),
        times=times,
        levels=levels,
        waiting=rows_from(document["waiting"], len(waits), how),
        waits=waits,
        strained=rows_from(document.get("strained", rows_text(fresh(how).rows)), len(strains), how),
        strains=strains,
        learned=max(int(document["learned"]), len(times)),
        since=since,
        observed=_finite(document.get("observed", max(times, default=since) - since)),
        last=str(document["last"]),
        novel=tuple(numbers_from(document.get("novel", ())).tolist()),
    )


def _finite(number: Any) -> float:
    return float(numbers_from([number])[0])


def _digest(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def rows_text(rows: NDArray[np.float32]) -> str:
    """Rows as text."""
    return base64.b64encode(zlib.compress(rows.astype("<f4").tobytes(), _LEVEL)).decode("ascii")


def rows_from(text: str, count: int, how: Layout) -> NDArray[np.float32]:
    """(count, n_columns) rows of :func:`rows_text`; never more memory than these need.

    Raises:
        ValueError: it is none, or holds others.
    """
    if count > ROWS_MAX:
        raise ValueError(f"has {count} rows, more than {ROWS_MAX}")
    size = 4 * count * len(how.names)
    packed = base64.b64decode(text, validate=True)
    try:
        content = zlib.decompressobj().decompress(packed, size + 1)
    except zlib.error as error:
        raise ValueError(f"has rows that cannot be read: {error}") from error
    if len(content) != size:
        raise ValueError("has rows of another size")
    rows = np.frombuffer(content, "<f4").reshape(count, len(how.names)).astype(np.float32)
    if not np.isfinite(rows).all():
        raise ValueError("has values that are no numbers")
    return rows


def numbers_from(found: Any) -> NDArray[np.float64]:
    """(n,) numbers.

    Raises:
        TypeError, ValueError: there is something else among them.
    """
    numbers = np.array([float(one) for one in found], np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("has values that are no numbers")
    return numbers
