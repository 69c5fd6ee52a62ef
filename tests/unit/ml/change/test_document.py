"""A profile on its way through a file: whole, torn, foreign."""

from __future__ import annotations

import base64
import json
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from plugin.ml.change import document as to_test
from plugin.ml.change.distance import layout
from plugin.ml.change.document import from_document, to_document
from plugin.ml.change.profile import Parameters, Profile, Seen, fresh, update

if TYPE_CHECKING:
    from collections.abc import Callable

HOW = layout("s", ("a", "b"), {"all": [0, 1]})
QUICK = Parameters(windows=2, span=0.0)


def profile() -> Profile:
    found = fresh(HOW)
    for time, values in enumerate([(0.1, 0.9), (0.2, 0.8), (0.3, 0.7), (9.0, 9.0)]):
        found = update(found, Seen(np.array(values), time + 0.5, f"c{time}"), HOW, QUICK)
    assert len(found.waiting) == 1
    return found


def changed(**fields: Any) -> dict[str, Any]:
    """A document with other fields, and the digest that belongs to them."""
    document = {k: v for k, v in to_document(profile()).items() if k != "digest"} | fields
    return document | {"digest": to_test._digest(document)}


def test_a_profile_comes_back_as_it_was() -> None:
    before = profile()
    after = from_document(json.loads(json.dumps(to_document(before))), HOW)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    assert after.rows.dtype == np.float32


def test_a_fresh_profile_comes_back_too() -> None:
    after = from_document(to_document(fresh(HOW)), HOW)
    assert after.rows.shape == after.waiting.shape == (0, 2)


def test_one_changed_letter_is_found() -> None:
    document = to_document(profile())
    document["learned"] += 1
    with pytest.raises(ValueError, match="damaged"):
        from_document(document, HOW)


@pytest.mark.parametrize(
    "make",
    [
        dict,
        list,
        lambda: "text",
        lambda: changed(format=2),
        lambda: changed(schema="other"),
        lambda: changed(columns=3),
        lambda: changed(levels=[1.0, 2.0]),
        lambda: changed(levels=[float("inf")]),
        lambda: changed(levels=None),
        lambda: changed(times=[1.0]),
        lambda: changed(times=[float(n) for n in range(5000)]),
        lambda: changed(rows="%%%"),
        lambda: changed(rows=base64.b64encode(b"no zlib").decode()),
        lambda: changed(rows=base64.b64encode(zlib.compress(bytes(1 << 20))).decode()),
        lambda: changed(
            rows=base64.b64encode(zlib.compress(np.full((3, 2), np.nan, "<f4").tobytes())).decode()
        ),
        lambda: changed(learned="many"),
        lambda: changed(since=None),
        lambda: changed(rows=None),
    ],
)
def test_what_is_no_profile_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"is |was |has |could not|invalid|Only|base64"):
        from_document(make(), HOW)


def test_strained_windows_come_back_and_a_past_without_them_is_read() -> None:
    before = update(profile(), Seen(np.array((0.3, 2.0)), 9.5, "c9"), HOW, QUICK)
    assert len(before.strained) == 1
    after = from_document(json.loads(json.dumps(to_document(before))), HOW)
    assert after.strained.tolist() == before.strained.tolist()
    assert after.strains.tolist() == [9.5]
    old = {k: v for k, v in to_document(before).items() if k not in {"strained", "strains"}}
    old = {k: v for k, v in old.items() if k != "digest"}
    read = from_document(old | {"digest": to_test._digest(old)}, HOW)
    assert read.strained.shape == (0, 2)
    assert len(read.strains) == 0


def test_which_windows_were_novel_comes_back_and_a_past_that_does_not_tell_is_read() -> None:
    before = update(profile(), Seen(np.array((0.1, 2.0)), 9.5, "c9", novel=True), HOW, QUICK)
    document = json.loads(json.dumps(to_document(before)))
    assert from_document(document, HOW).novel == before.novel == (9.5,)
    old = {k: v for k, v in document.items() if k not in {"novel", "digest"}}
    assert from_document(old | {"digest": to_test._digest(old)}, HOW).novel == ()


def test_no_past_has_learned_fewer_windows_than_it_keeps() -> None:
    assert from_document(changed(learned=1), HOW).learned == len(profile().rows)


def test_rows_take_no_more_memory_than_is_theirs() -> None:
    bomb = base64.b64encode(zlib.compress(bytes(64 << 20), 9)).decode()
    tracemalloc.start()
    with pytest.raises(ValueError, match="another size"):
        to_test.rows_from(bomb, 2, HOW)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
    with pytest.raises(ValueError, match="more than 4096"):
        to_test.rows_from(to_test.rows_text(np.zeros((4097, 2), np.float32)), 4097, HOW)
