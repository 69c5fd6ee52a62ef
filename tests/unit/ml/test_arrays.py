from __future__ import annotations

import io
import tracemalloc
import zipfile
from typing import Any

import numpy as np
import pytest

from plugin.ml import arrays
from tests.models import tiny_forest, tiny_net

WIDTH = 307


def unpacked(algorithm: str, **change: Any) -> dict[str, Any]:
    made = tiny_net() if algorithm == "net" else tiny_forest()
    whole = {**made.arrays, **change}
    found = arrays.unpack(arrays.pack({k: v for k, v in whole.items() if v is not None}), algorithm)
    arrays.check(found, algorithm, WIDTH, 2)
    return found


@pytest.mark.parametrize("algorithm", ["net", "forest"])
def test_arrays_come_back_as_they_were(algorithm: str) -> None:
    made = (tiny_net() if algorithm == "net" else tiny_forest()).arrays
    found = unpacked(algorithm)
    assert set(found) == set(made)
    for name, array in made.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)
        assert not found[name].flags.writeable


def test_packing_depends_on_the_arrays_alone() -> None:
    made = tiny_net().arrays
    assert arrays.pack(made) == arrays.pack({k: made[k] for k in sorted(made, reverse=True)})


F4, F8, I4 = np.float32, np.float64, np.int32


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"b1": None}, "lacks the array b1"),
        ({"extra": np.zeros(1)}, "other arrays"),
        ({"b1": np.zeros(2)}, "b1 is not of type f4"),
        ({"b1": np.zeros((2, 1), F4)}, "with 1 dimensions"),
        ({"b1": np.zeros(3, F4)}, r"W1 has shape \(5, 2\), not \(5, 3\)"),
        ({"b1": np.zeros(4, F4), "W1": np.zeros((5, 4), F4)}, "not \\("),
        ({"b0": np.zeros(4, F4)}, "W0 has shape"),
        ({"b0": np.zeros(0, F4)}, "not as long"),
        ({"W0": np.zeros((WIDTH + 1, 5), F4)}, "W0 has shape"),
        ({"scale": np.ones(WIDTH - 1, F4)}, "scale has shape"),
        ({"b1": np.array([np.nan, 0], F4)}, "b1 holds a number that is not finite"),
        ({"b1": np.array([np.inf, 0], F4)}, "not finite"),
        ({"b1": np.array([1e7, 0], F4)}, "beyond 1e"),
    ],
)
def test_a_bad_net_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        unpacked("net", **change)


def test_a_net_may_have_a_scale() -> None:
    assert unpacked("net", scale=np.ones(WIDTH, F4))["scale"].shape == (WIDTH,)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"feature": np.array([WIDTH, -1, -1, 3, -1, -1], I4)}, "column that is not there"),
        ({"feature": np.array([-2, -1, -1, 3, -1, -1], I4)}, "column that is not there"),
        ({"left": np.array([0, -1, -1, 4, -1, -1], I4)}, "after its parent"),
        ({"left": np.array([1, -1, -1, 1, -1, -1], I4)}, "after its parent"),
        ({"right": np.array([6, -1, -1, 5, -1, -1], I4)}, "after its parent"),
        ({"feature": np.array([5, -1, -1, 3, -1, 7], I4)}, "after its parent"),
        ({"roots": np.array([6], I4)}, "no root"),
        ({"roots": np.array([-1], I4)}, "no root"),
        ({"roots": np.array([0, 0], I4)}, "two trees, or twice"),
        ({"roots": np.array([0, 1], I4)}, "two trees, or twice"),
        ({"right": np.array([1, -1, -1, 5, -1, -1], I4)}, "two trees, or twice"),
        ({"threshold": np.zeros(5)}, "differ in length"),
        ({"value": np.full((6, 3), 1 / 3, F4)}, "number of classes"),
        ({"value": np.full((6, 2), 0.6, F4)}, "sum to 1"),
        ({"value": np.array([[2, -1]] * 6, F4)}, "sum to 1"),
        ({"threshold": np.array([np.nan] * 6)}, "not finite"),
    ],
)
def test_a_bad_forest_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        unpacked("forest", **change)


def chain(length: int) -> dict[str, Any]:
    """A tree each of whose nodes has one leaf and one node below it."""
    n = 2 * length - 1
    inner = np.arange(n) % 2 == 0
    inner[-1] = False
    at = np.arange(n)
    return {
        "feature": np.where(inner, 0, -1).astype(I4),
        "threshold": np.zeros(n),
        "left": np.where(inner, at + 1, -1).astype(I4),
        "right": np.where(inner, at + 2, -1).astype(I4),
        "value": np.tile(np.array([1, 0], F4), (n, 1)),
        "roots": np.array([0], I4),
    }


def test_trees_have_a_limit_of_depth() -> None:
    assert len(unpacked("forest", **chain(arrays.DEPTH_MAX))["feature"]) == 2 * 1000 - 1
    with pytest.raises(ValueError, match="deeper than 1,000"):
        unpacked("forest", **chain(arrays.DEPTH_MAX + 1))


def archive(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(f"{name}.npy", content)
    return stream.getvalue()


def npy(header: str) -> bytes:
    text = header.encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def net_with(b1: bytes) -> bytes:
    packed = io.BytesIO(arrays.pack(tiny_net().arrays))
    with zipfile.ZipFile(packed) as found:
        contents = {name: found.read(f"{name}.npy") for name in ("W0", "b0", "W1")}
    return archive(**contents, b1=b1)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}\n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}\n",
        "{'descr': '|O', 'fortran_order': False, 'shape': (2,)}\n",
        "{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}\n",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2,)}\n",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}\n",
        "__import__('os').abort()\n",
        "[" * 5000,
        "",
    ],
)
def test_a_header_that_lies_is_refused_before_memory_is_taken(header: str) -> None:
    with pytest.raises(ValueError, match="the array b1"):
        arrays.unpack(net_with(npy(header)), "net")


def test_pickles_are_not_looked_at() -> None:
    content = io.BytesIO()
    np.lib.format.write_array(content, np.array([{}, {}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="b1 is not of type f4"):
        arrays.unpack(net_with(content.getvalue()), "net")


def test_what_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "BYTES_MAX", 10_000)
    with pytest.raises(ValueError, match="unpack to more than 10000"):
        arrays.unpack(archive(W0=bytes(100_000), b0=b"", W1=b"", b1=b""), "net")


@pytest.mark.parametrize("packed", [b"", b"PK", b"no zip at all", bytes(1000)])
def test_what_is_no_archive_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        arrays.unpack(packed, "net")


def test_a_name_that_stands_twice_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("b1.npy", b"")
        with pytest.warns(UserWarning, match="Duplicate"):
            made.writestr("b1.npy", b"")
    with pytest.raises(ValueError, match="other arrays"):
        arrays.unpack(stream.getvalue(), "net")


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("torn", [False, True])
def test_arrays_that_are_packed_otherwise_are_refused_unread(packing: int, *, torn: bool) -> None:
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(arrays.pack(tiny_net().arrays))) as good,
        zipfile.ZipFile(stream, "w", packing) as made,
    ):
        for name in good.namelist():
            made.writestr(name, good.read(name))
    content = bytearray(stream.getvalue())
    if torn:
        content[60:100] = b"\xff" * 40
    with pytest.raises(ValueError, match="otherwise than stored or deflated"):
        arrays.unpack(bytes(content), "net")


def test_what_unpacks_without_end_is_read_no_further_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    packed = archive(W0=bytes(4 << 20), b0=b"", W1=b"", b1=b"")
    monkeypatch.setattr(arrays, "BYTES_MAX", 10_000)
    tracemalloc.start()
    with pytest.raises(ValueError, match="unpack to more than 10000"):
        arrays.unpack(packed, "net")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
