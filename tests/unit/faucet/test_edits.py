"""Changes to a text that touch nothing else, and can be undone."""

from __future__ import annotations

import pytest

from plugin.faucet.edits import (
    AddKeys,
    Change,
    Edit,
    Prepend,
    RemoveItem,
    RemoveKey,
    SetValue,
    Widen,
    apply_edits,
    change,
    inverse,
    remove,
)
from plugin.faucet.tree import UnreadableError

ADD = AddKeys(("a",), (("k", [1]), ("m", 2)))
CASES: list[tuple[str, Change, str]] = [
    ("a:\n  b: 1 # x\n", ADD, "a:\n  k: [1]\n  m: 2\n  b: 1 # x\n"),
    ("a: # x\n   # y\n   b: 1", ADD, "a: # x\n   k: [1]\n   m: 2\n   # y\n   b: 1"),
    ("a:\r\n  b: 1\r\n", ADD, "a:\r\n  k: [1]\r\n  m: 2\r\n  b: 1\r\n"),
    ("a: {}\n", ADD, "a: {k: [1], m: 2}\n"),
    ("a: { b: 1,\n }\n", ADD, "a: {k: [1], m: 2,  b: 1,\n }\n"),
    ("a:\n", ADD, "a: {k: [1], m: 2}\n"),
    ("a: # x\n", ADD, "a: {k: [1], m: 2} # x\n"),
    ("a: ~ # x\n", ADD, "a: {k: [1], m: 2} # x\n"),
    ("# x\nb: 1", AddKeys((), (("k", 1),), "why"), "# x\n# why\nk: 1\nb: 1"),
    ("{b: 1}", AddKeys((), (("k", 1),), "why"), "{k: 1, b: 1}"),
    ("--- # x\n  b: 1", AddKeys((), (("k", 1),)), "--- # x\n  k: 1\n  b: 1"),
    ("a: [ ]", Prepend(("a",), ("k", "m")), "a: [k, m ]"),
    ("a: [b]", Prepend(("a",), ("k", "m")), "a: [k, m, b]"),
    ("a:\n- b\n", Prepend(("a",), ("k", "m")), "a:\n- k\n- m\n- b\n"),
    ("a:\n  # x\n  - b", Prepend(("a",), ("k",)), "a:\n  # x\n  - k\n  - b"),
    ("b: &x [c]\na: *x", Prepend(("a",), ("k",)), "b: &x [c]\na: [k, c]"),
    ("a: {old: 'b c'} # x", Widen(("a", "old"), "new", ("k",)), 'a: {new: [k, "b c"]} # x'),
    ("a: {b: old} # x\n", SetValue(("a", "b"), "new"), "a: {b: new} # x\n"),
    ("a:\n  b:   old   # x\n", SetValue(("a", "b"), 7), "a:\n  b:   7   # x\n"),
    ("a: {b: 'old'}", SetValue(("a", "b"), "x: y"), 'a: {b: "x: y"}'),
    ("a:\n", SetValue(("a",), "on"), 'a: "on"\n'),
    ("b: &x old\na: *x\n", SetValue(("a",), "new"), "b: &x old\na: new\n"),
    ("b: &x c\na: {old: *x}", Widen(("a", "old"), "new", ("k",)), "b: &x c\na: {new: [k, c]}"),
]


@pytest.mark.parametrize(("text", "one", "expected"), CASES)
def test_additions_and_their_way_back(text: str, one: Change, expected: str) -> None:
    new, edits = change(text, [one])
    assert new == expected
    assert apply_edits(new, inverse(text, edits)) == text


@pytest.mark.parametrize(
    ("text", "one", "expected"),
    [
        ("a: 1 # x\nb: 2\n", RemoveKey(("a",)), "b: 2\n"),
        ("b: 2\na:\n  c:\n  - 1\n  # y\n# z\n", RemoveKey(("a",)), "b: 2\n  # y\n# z\n"),
        ("b: 2\na: 1", RemoveKey(("a",)), "b: 2\n"),
        ("{a: 1, b: 2}", RemoveKey(("a",)), "{b: 2}"),
        ("{b: 2, a: 1 }", RemoveKey(("a",)), "{b: 2 }"),
        ("c: {a: 1}", RemoveKey(("c", "a")), "c: {}"),
        ("a: [x, y]", RemoveItem(("a",), "x"), "a: [y]"),
        ("a: [y, x]", RemoveItem(("a",), "x"), "a: [y]"),
        ("a:\n- y\n- x # z\n- w\n", RemoveItem(("a",), "x"), "a:\n- y\n- w\n"),
    ],
)
def test_removals(text: str, one: RemoveKey | RemoveItem, expected: str) -> None:
    assert remove(text, [one]) == expected


def test_many_removals_from_one_list() -> None:
    gone = [RemoveItem(("a",), name) for name in ("x", "y", "z")]
    assert remove("a: [x, y, b, z]", gone) == "a: [b]"


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ("b: &x {}\na: *x\n", ADD),  # b would change, too
        ("b: &x [c]\na: *x\nd: *x\n", Prepend(("b",), ("k",))),
        ("? a\n: b: 1\n", AddKeys(("a",), (("k", 1),))),
        ("b: 1\n", ADD),
        ("b: &x old\na: *x\n", SetValue(("b",), "new")),  # a would change, too
        ("a: {b: 1}\n", SetValue(("a",), "new")),
        ("a: 1\n", SetValue(("b",), "new")),
        ("a: [1]\n", ADD),
        ("a: {b: 1}\n", Prepend(("a",), ("k",))),
    ],
)
def test_what_would_change_anything_else_is_refused(text: str, one: Change) -> None:
    with pytest.raises(UnreadableError):
        change(text, [one])


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(UnreadableError):
        apply_edits("abcd", [Edit(0, 3, ""), Edit(2, 4, "")])
