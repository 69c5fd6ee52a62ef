"""The arrays of a model as bytes: packed into an npz, and unpacked with every doubt.

What is unpacked may come from anywhere. Its names, types and shapes are held against what the
kind of model must have before memory is taken for it; numbers must be finite, trees without
cycles. Computes only; files are read in :mod:`plugin.ml.store`.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from plugin.ml.model import ALGORITHMS, WITH_NET, WITH_TREES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[np.generic]]
    Layout = Mapping[str, tuple[str, int]]

BYTES_MAX = 256 << 20
"""Of the packed arrays, and of all arrays together once unpacked."""
DEPTH_MAX = 1_000
"""Nodes from a root to a leaf. Trees that were grown have some tens."""
WEIGHT_MAX = 1e6
"""Products of such weights and features stay finite in float32."""
LEAF_TOLERANCE = 1e-3

_NET = {"W0": ("f4", 2), "b0": ("f4", 1), "W1": ("f4", 2), "b1": ("f4", 1), "scale": ("f4", 1)}
_FOREST = {
    "feature": ("i4", 1),
    "threshold": ("f8", 1),
    "left": ("i4", 1),
    "right": ("i4", 1),
    "value": ("f4", 2),
    "roots": ("i4", 1),
}
_NORMAL = {
    "rows": ("f4", 2),
    "role": ("i4", 1),
    "group": ("i4", 1),
    "unit": ("f8", 1),
    "typical": ("f8", 1),
    "threshold": ("f8", 1),
    "given": ("f8", 1),
    "free": ("f8", 1),
}
_SUSPICION = {"floor": ("f8", 1), "scores": ("f8", 1)}
_LAYOUTS = {"normal": _NORMAL, "suspicion": _SUSPICION} | {
    name: (_NET if name in WITH_NET else {}) | (_FOREST if name in WITH_TREES else {})
    for name in ALGORITHMS
}
_SHRUNK = {"value", "rows"}
_OPTIONAL = {"scale"}


def pack(arrays: Arrays) -> bytes:
    """An npz that depends on the arrays alone (numpy's own writes the time of day)."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(arrays[name]))
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            # Only what is mostly zeros shrinks enough to be worth the unpacking.
            entry.compress_type = zipfile.ZIP_DEFLATED if name in _SHRUNK else zipfile.ZIP_STORED
            archive.writestr(entry, content.getvalue())
    return stream.getvalue()


def unpack(packed: bytes, algorithm: str) -> dict[str, NDArray[np.generic]]:
    """The arrays of an npz: those that the algorithm has, nothing else, in bounded memory.

    Args:
        packed: the npz.
        algorithm: of a model of roles; else its kind, "normal" or "suspicion".

    Raises:
        ValueError: what is wrong with it.
    """
    return unpack_as(packed, _LAYOUTS[algorithm])


def unpack_as(
    packed: bytes | IO[bytes], layout: Layout, limit: int | None = None
) -> dict[str, NDArray[np.generic]]:
    """The arrays of an npz: those of the layout, nothing else, in bounded memory.

    Args:
        packed: the npz, or a file of it.
        layout: type and dimensions of each array.
        limit: bytes of all arrays together; by default those of a model.

    Raises:
        ValueError: what is wrong with it.
    """
    stream = io.BytesIO(packed) if isinstance(packed, bytes) else packed
    arrays = {}
    left = limit = BYTES_MAX if limit is None else limit
    try:
        with zipfile.ZipFile(stream) as archive:
            for name, entry in _members(archive, layout).items():
                with archive.open(entry) as member:
                    content = member.read(left + 1)
                left -= len(content)
                _require(left >= 0, f"the arrays unpack to more than {limit} bytes")
                arrays[name] = _array(name, content, *layout[name])
    # What zipfile raises on damaged archives; it says nothing that a user could act on.
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise ValueError("the archive of arrays is damaged") from error
    return arrays


def _members(archive: zipfile.ZipFile, layout: Layout) -> dict[str, zipfile.ZipInfo]:
    entries = archive.infolist()
    members = {entry.filename.removesuffix(".npy"): entry for entry in entries}
    _require(
        len(members) == len(entries) and set(members) <= set(layout),
        "the archive holds other arrays than this kind of model has",
    )
    # Others bring errors of their own, and xz asks for as much memory as its header says.
    packings = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
    known = all(entry.compress_type in packings for entry in entries)
    _require(known, "an array is packed otherwise than stored or deflated")
    missing = sorted(set(layout) - set(members) - _OPTIONAL)
    _require(not missing, f"the archive lacks the array {', '.join(missing)}")
    return members


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise ValueError(reason)


_MAGIC = b"\x93NUMPY\x01\x00"
_DIGITS_MAX = 12


def _array(name: str, content: bytes, kind: str, dimensions: int) -> NDArray[np.generic]:
    """One array, whose header is held against what was expected before anything is allocated.

    The header is read here and not by numpy, whose reader evaluates it as an expression and
    fails on a hostile one in many ways.
    """
    begin = len(_MAGIC) + 2
    size = int.from_bytes(content[len(_MAGIC) : begin], "little")
    header = content[begin : begin + size].rstrip(b" \n")
    dtype = np.dtype(f"<{kind}")
    before = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': (".encode()
    lengths = header.removeprefix(before).removesuffix(b"), }").removesuffix(b",").split(b", ")
    fits = (
        content.startswith(_MAGIC + size.to_bytes(2, "little") + before)
        and header.endswith(b"), }")
        and len(lengths) == dimensions
        and all(part.isdigit() and len(part) <= _DIGITS_MAX for part in lengths)
    )
    _require(fits, f"the array {name} is not of type {kind} with {dimensions} dimensions")
    shape = tuple(map(int, lengths))
    whole = min(shape) > 0 and len(content) - begin - size == math.prod(shape) * dtype.itemsize
    _require(whole, f"the array {name} is not as long as its header says")
    array = np.frombuffer(content, dtype, offset=begin + size).reshape(shape)
    if kind[0] == "f":
        finite = bool(np.isfinite(array).all())
        _require(finite, f"the array {name} holds a number that is not finite")
    return array


def check(arrays: Arrays, algorithm: str, n_columns: int, n_classes: int) -> None:
    """Hold the arrays against each other and against the features and classes.

    Raises:
        ValueError: what does not fit.
    """
    if algorithm in WITH_NET:
        check_net(arrays, n_columns, n_classes)
    if algorithm in WITH_TREES:
        check_trees(arrays, algorithm, n_columns, n_classes)


def check_net(arrays: Mapping[str, Any], n_columns: int, n_classes: int) -> None:
    """Hold a net's arrays against each other; a last class more is the background.

    Raises:
        ValueError: what does not fit.
    """
    hidden = arrays["b0"].shape[0]
    width = n_classes + (arrays["b1"].shape == (n_classes + 1,))
    wanted = {
        "W0": (n_columns, hidden),
        "b0": (hidden,),
        "W1": (hidden, width),
        "b1": (width,),
        "scale": (n_columns,),
    }
    for name, array in arrays.items():
        if name not in wanted:
            continue
        shape = wanted[name]
        _require(array.shape == shape, f"the array {name} has shape {array.shape}, not {shape}")
        small = float(np.abs(array).max()) <= WEIGHT_MAX
        _require(small, f"the array {name} holds a weight beyond {WEIGHT_MAX:g}")


def _depth_within(arrays: Mapping[str, Any], most: int) -> bool:
    """Whether every path from a root has at most so many nodes."""
    feature, left, right = (arrays[name] for name in ("feature", "left", "right"))
    at = arrays["roots"]
    for _ in range(most):
        at = at[feature[at] >= 0]
        if not len(at):
            return True
        at = np.concatenate([left[at], right[at]])
    return False


def check_trees(arrays: Mapping[str, Any], kind: str, n_columns: int, n_classes: int) -> None:
    """Hold the arrays of trees against each other.

    Args:
        arrays: of the trees.
        kind: the algorithm. A leaf of boosting holds any numbers, and may have a background.
        n_columns: of the features.
        n_classes: of the model.

    Raises:
        ValueError: what does not fit.
    """
    feature, value, roots = arrays["feature"], arrays["value"], arrays["roots"]
    n = len(feature)
    alike = all(len(arrays[name]) == n for name in ("threshold", "left", "right", "value"))
    _require(alike, "the arrays of the trees differ in length")
    widths = (n_classes, n_classes + 1) if kind == "boosting" else (n_classes,)
    _require(value.shape[1] in widths, "the trees have another number of classes")
    known = bool(((feature >= -1) & (feature < n_columns)).all())
    _require(known, "a tree looks at a column that is not there")
    inner = feature >= 0
    numbers = np.arange(n)[inner]
    for child in (arrays["left"][inner], arrays["right"][inner]):
        # Children after their parent: every path ends, no cycle is possible.
        after = bool(((child > numbers) & (child < n)).all())
        _require(after, "a tree's child does not come after its parent")
    _require(bool(((roots >= 0) & (roots < n)).all()), "a tree has no root")
    below = np.concatenate([roots, arrays["left"][inner], arrays["right"][inner]])
    # So a row visits each node once at most, whatever the model says.
    _require(
        int(np.bincount(below, minlength=1).max()) <= 1, "a node stands in two trees, or twice"
    )
    _require(_depth_within(arrays, DEPTH_MAX), f"a tree is deeper than {DEPTH_MAX:,}")
    if kind == "boosting":
        small = float(np.abs(value).max()) <= WEIGHT_MAX
        _require(small, f"a leaf holds a number beyond {WEIGHT_MAX:g}")
        return
    leaves = value[~inner].astype(np.float64)
    sums = np.abs(leaves.sum(axis=1) - 1)
    whole = bool((leaves >= 0).all()) and float(sums.max()) <= LEAF_TOLERANCE
    _require(whole, "a leaf's shares do not sum to 1")
