"""Any rows, any model: the compiled loops give numpy's probabilities or refuse what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.ml import inference
from tests.models import random_rows

NOT_BUILT = "the compiled core is not built here"


def loops() -> Any:
    return pytest.importorskip("plugin.core._core", reason=NOT_BUILT)


def net_of(random: np.random.Generator, columns: int, hidden: int, classes: int) -> dict[str, Any]:
    shapes = {
        "W0": (columns, hidden),
        "b0": (hidden,),
        "W1": (hidden, classes),
        "b1": (classes,),
        "scale": (columns,),
    }
    size = 10 ** random.uniform(-3, 1)
    return {n: random.normal(0, size, shape).astype(np.float32) for n, shape in shapes.items()}


def forest_of(
    random: np.random.Generator, columns: int, nodes: int, classes: int
) -> dict[str, Any]:
    """Trees whose nodes stand among each other, children anywhere after their parents."""
    feature = random.integers(-1, columns, nodes)
    left, right = np.zeros(nodes, np.int64), np.zeros(nodes, np.int64)
    orphans, roots = set(range(nodes)), []
    for node in range(nodes):
        if node in orphans:
            orphans.remove(node)
            roots.append(node)
        after = sorted(orphans)
        if len(after) < 2:
            feature[node] = -1
        if feature[node] >= 0:
            left[node], right[node] = random.choice(after, 2, replace=False)
            orphans -= {int(left[node]), int(right[node])}
    value = random.random((nodes, classes)) + 0.01
    value = value / value.sum(axis=1, keepdims=True)
    return {
        "feature": feature.astype(np.int32),
        "threshold": random.choice([0.0, 0.1, 1 / 3, 0.5, -0.1, 1e300, -1e300, 1e-320], nodes),
        "left": left.astype(np.int32),
        "right": right.astype(np.int32),
        "value": value.astype(np.float32),
        "roots": np.array(roots, np.int32),
    }


def compiled(name: str, arrays: dict[str, Any], rows: Any) -> Any:
    """What the compiled loop makes of it."""
    order = ("W0", "b0", "W1", "b1", "scale") if name == "net" else tuple(arrays)
    classes = arrays["b1" if name == "net" else "value"].shape[-1]
    out = np.full((rows.n_rows, classes), np.nan)
    sizes = () if name == "net" else (classes,)
    getattr(loops(), name)(tuple(rows), tuple(arrays[k] for k in order), *sizes, out)
    return out


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(0, 30),
    columns=st.integers(1, 70),
    hidden=st.integers(1, 70),
    classes=st.integers(1, 20),
)
def test_a_net(seed: int, n: int, columns: int, hidden: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    arrays = net_of(random, columns, hidden, classes)
    rows = random_rows(n, columns, seed)
    found, expected = compiled("net", arrays, rows), inference.net(arrays, rows)
    # Sums of large weights come out different in the last digits when they are added up in
    # another order; what softmax makes of that grows with them.
    largest = np.abs(arrays["W1"]).sum() * max(1, np.abs(arrays["W0"]).max() ** 2) * 1e-6
    assert np.abs(found - expected).max(initial=0) <= max(1e-6, largest)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-9)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(0, 30),
    columns=st.integers(1, 3000),
    nodes=st.integers(1, 60),
    classes=st.integers(1, 9),
)
def test_a_forest(seed: int, n: int, columns: int, nodes: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    arrays = forest_of(random, columns, nodes, classes)
    rows = random_rows(n, columns, seed)
    expected = inference.forest(arrays, rows)
    assert np.abs(compiled("forest", arrays, rows) - expected).max(initial=0) <= 1e-12


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**32), name=st.sampled_from(["net", "forest"]))
def test_damaged_buffers_are_refused_or_answered_but_never_overrun(seed: int, name: str) -> None:
    """One array is cut, or one of its numbers changed: an answer as numpy's, or ValueError."""
    random = np.random.default_rng(seed)
    make = net_of if name == "net" else forest_of
    arrays, rows = make(random, 20, 11, 3), random_rows(6, 20, seed)
    if random.random() < 0.5:
        which = random.choice(["indptr", "indices", "data"])
        rows = rows._replace(**{which: damaged(random, getattr(rows, which))})
    else:
        which = random.choice(list(arrays))
        arrays[which] = damaged(random, arrays[which])
    try:
        expected = getattr(inference, name)(arrays, rows)
    except ValueError as error:
        if "stands in two trees" in str(
            error
        ):  # refused when it is loaded; here it costs time only
            compiled(name, arrays, rows)
        else:
            with pytest.raises((ValueError, BufferError)):
                compiled(name, arrays, rows)
    else:
        found = compiled(name, arrays, rows)
        assert np.allclose(found, expected, atol=1e-2)


def damaged(random: np.random.Generator, array: Any) -> Any:
    """Shorter by one, or one number put out of its place."""
    if random.random() < 0.5:
        return array[:-1].copy()
    changed = array.copy()
    if changed.size and changed.dtype.kind == "i":
        changed.flat[random.integers(changed.size)] = random.choice([-(2**31), -2, 20, 2**31 - 1])
    return changed


def test_buffers_of_other_kinds_are_refused() -> None:
    core, rows = loops(), random_rows(2, 4, 1)
    arrays = net_of(np.random.default_rng(1), 4, 3, 2)
    layers, out = tuple(arrays.values()), np.zeros((2, 2))
    core.net(tuple(rows), layers, out)
    odd = np.zeros(33, np.uint8)[1:].data
    with pytest.raises(ValueError, match="aligned"):
        core.net(tuple(rows), layers, odd)
    with pytest.raises(ValueError, match="whole number"):
        core.net(tuple(rows), layers, bytearray(33))
    with pytest.raises(ValueError, match="do not fit"):
        core.net(tuple(rows), layers, np.zeros(3))
    with pytest.raises(BufferError):
        core.net(tuple(rows), layers, bytes(32))
    with pytest.raises(TypeError):
        core.net(list(rows), layers, out)
    with pytest.raises(TypeError):
        core.net(tuple(rows), (1, 2, 3, 4, None), out)
    with pytest.raises(OverflowError):
        core.net((*tuple(rows)[:3], 1 << 70), layers, out)
    with pytest.raises(ValueError, match="matrix"):
        core.net((*tuple(rows)[:3], 1 << 40), layers, out)
    with pytest.raises(ValueError, match="do not fit"):
        core.net(tuple(rows), (None, None, None, None, None), out)
