"""YAML as Faucet reads it, with the places of its parts."""

from __future__ import annotations

import pytest

from plugin.faucet.tree import Tree, UnreadableError, flow


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: on", "on"),  # YAML 1.1 would say True
        ("a: yes", "yes"),
        ("a: true", True),
        ("a: 0x1f", 31),
        ("a: 0o17", 15),
        ("a: 010", 10),
        ("a: 10:11:12", "10:11:12"),  # YAML 1.1 would say 36672
        ("a: 1_000", 1000),
        ("a: 1.5", 1.5),
        ("a: ~", None),
        ("a:", None),
        ("a: '1'", "1"),
        ("a: 2001-01-01", "2001-01-01"),
        ("a: &x [1, {b: c}]", [1, {"b": "c"}]),
    ],
)
def test_values_are_read_as_in_yaml_1_2(text: str, value: object) -> None:
    assert Tree(text).plain == {"a": value}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no mapping"),
        ("- 1", "no mapping"),
        ("a: 1\na: 2", "line 2: 'a' is given twice"),
        ("a: {b: 1, b: 2}", "'b' is given twice"),
        ("a: [1", "line 1"),
        ("a: 1\n---\nb: 2", "but found another document"),
        ("? [1]\n: 2", "no plain value"),
        ("a: &x [*x]", "an anchor within itself"),
        ("a: *nothing", "undefined alias"),
        ("%YAML 1.1\n---\na: 1", "%YAML"),
        ("a: \x00", "unacceptable character"),
        ("a: " + "[" * 5000, "nested too deeply"),
        ("a: 0b", "line 1"),
        (
            "a0: &a0 [0,0,0,0,0,0,0,0,0,0]\n"
            + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)),
            "more values",
        ),
    ],
)
def test_what_cannot_be_edited_is_refused_with_the_reason(text: str, reason: str) -> None:
    if reason == "line 1" and text == "a: 0b":
        assert Tree(text).plain == {"a": "0b"}  # digits are missing: a plain word
        return
    with pytest.raises(UnreadableError, match=reason.replace("[", r"\[")):
        Tree(text)


def test_nodes_are_found_by_path_and_know_their_owner() -> None:
    tree = Tree("a:\n  1: &x {b: c}\n  2: *x\n")
    node = tree.find(("a", 1))
    assert node is not None
    assert node is tree.find(("a", 2))
    owner = tree.owner(node)
    assert owner is not None
    assert owner.start_mark.line == 1
    above = tree.find(("a",))
    assert above is not None
    (_, first, _), (_, second, _) = tree.entries(above)
    assert tree.alias(above, first) is None
    span = tree.alias(above, second)
    assert span is not None
    assert tree.text[span.start : span.end] == "*x"
    assert tree.find(("a", 3)) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("col", "col"),
        ("on", '"on"'),
        ("a b", '"a b"'),
        ("1", '"1"'),
        ("ü", '"ü"'),
        ({"a": [1, True, None]}, "{a: [1, true, null]}"),
    ],
)
def test_values_are_written_on_one_line(value: object, text: str) -> None:
    assert flow(value) == text
    assert Tree(f"x: {text}").plain == {"x": value}
