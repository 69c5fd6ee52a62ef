from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.errors import SettingsError, TopologyError
from plugin.yaml_places import FILE_BYTES_MAX, PROBLEMS_MAX, Document, read_limited


def test_a_value_has_its_place() -> None:
    document = Document("a:\n  b: seven\n", "x")
    (_, inner), *_ = document.entries(document.root, "")
    fields = document.fields(inner, "a", ("b",))
    assert document.whole(fields["b"], "a.b", (1, 9), default=3) == 3
    assert document.problems == ["x:2:6: a.b: a whole number from 1 to 9 is expected"]
    with pytest.raises(SettingsError, match="x:2:6"):
        document.finish()


def test_keys_given_twice_and_keys_that_are_no_text() -> None:
    document = Document("{a: 1, a: 2, [b]: 3}", "x")
    assert [word.text for word, _ in document.entries(document.root, "")] == ["a"]
    assert document.problems == ["x:1:8: a: given twice", "x:1:14: a key that is no plain text"]


def test_null_is_as_good_as_absent() -> None:
    document = Document("a:\nb: ~\nc: 1", "x")
    assert set(document.fields(document.root, "", ("a", "b", "c"))) == {"c"}
    assert list(document.entries(None, "")) == []


def test_numbers_flags_and_words() -> None:
    document = Document("{a: 0x10, b: yes, c: [x, y], d: z, e: 2.5, f: [1, [2]]}", "x")
    fields = document.fields(document.root, "", tuple("abcdef"))
    assert document.whole(fields["a"], "a", (0, 99)) == 16
    assert document.flag(fields["b"], "b") is True
    assert [word.text for word in document.words(fields["c"], "c")] == ["x", "y"]
    assert [word.text for word in document.words(fields["d"], "d")] == ["z"]
    assert document.number(fields["e"], "e", 1.0) == 2.5
    assert document.plain(fields["f"], "f") == [1, [2]]
    assert not document.problems
    document.words(fields["f"], "f")
    assert document.problems == ["x:1:51: f: a text is expected"]


def test_other_programs_parts_are_plain_values_only() -> None:
    document = Document("a: !!python/object:os.system {}", "x")
    fields = document.fields(document.root, "", ("a",))
    assert document.plain(fields["a"], "a") is None
    assert "no plain value" in document.problems[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 20_000, "x: nested too deeply"),
        ("a: *b", "x:1:4: found undefined alias"),
        ("a: [", "x:1:5: expected the node content"),
        ("\x07", "x: unacceptable character #x0007"),
        (b"\xff", "invalid start byte"),
        (r'"\UFFFFFFFF"', "an escape that YAML cannot hold"),
        (r'"\U00110000"', "an escape that YAML cannot hold"),
        (f"%YAML 1.{'9' * 5000}\n--- x", "a number or an escape"),
    ],
)
def test_what_is_no_yaml_is_refused(text: str | bytes, said: str) -> None:
    for kind in (SettingsError, TopologyError):
        with pytest.raises(kind, match=re.escape(said)) as caught:
            Document(text, "x", kind)
        assert type(caught.value) is kind


def test_a_file_is_read_if_it_can_be_and_is_not_too_large(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(b"#" * FILE_BYTES_MAX)
    assert len(read_limited(file)) == FILE_BYTES_MAX
    file.write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    with pytest.raises(TopologyError, match="larger than 1048576 bytes: not a topology"):
        read_limited(file, error=TopologyError, kind="topology")
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        read_limited(tmp_path)


def test_texts_of_values_and_of_lists() -> None:
    document = Document("{a: x, b: ~, c: [1, ~], d: [[1]], e: {}}", "x")
    fields = dict(document.entries(document.root, ""))
    nodes = {word.text: node for word, node in fields.items()}
    assert document.texts(nodes["a"], "a") == [("x", "x:1:5")]
    assert document.texts(nodes["a"], "a", many=True) == [("x", "x:1:5")]
    assert document.texts(nodes["b"], "b") == [(None, "x:1:11")]
    assert document.texts(nodes["b"], "b", many=True) == []
    assert document.texts(nodes["c"], "c", many=True) == [("1", "x:1:18"), (None, "x:1:21")]
    assert not document.problems
    assert document.texts(nodes["c"], "c") is None
    assert document.texts(nodes["d"], "d", many=True) is None
    assert document.texts(nodes["e"], "e") is None
    assert document.problems == [
        "x:1:17: c: one value is expected",
        "x:1:29: d: one value is expected",
        "x:1:38: e: one value is expected",
    ]


@pytest.mark.parametrize(
    "text",
    ["!!int ''", "!!bool x", "!!timestamp x", "!!float x", "{[]: 1}", "&a [*a]", "!!binary é"],
)
def test_values_that_yaml_cannot_make_are_problems(text: str) -> None:
    document = Document(text, "x")
    assert document.plain(document.root, "a") is None
    assert document.problems[0].startswith("x:1:1: a: no plain value")


@given(st.text(max_size=60))
def test_any_text_is_walked_or_refused(text: str) -> None:
    try:
        document = Document(text, "x")
    except SettingsError:
        return
    for word, node in document.entries(document.root, ""):
        document.plain(node, word.text)
        document.texts(node, word.text, many=True)
    with contextlib.suppress(SettingsError):
        document.finish()


def test_a_file_with_a_thousand_problems_is_not_read_on() -> None:
    text = "".join(f"k{number}: 1\n" for number in range(PROBLEMS_MAX + 500))
    document = Document(text, "x", TopologyError)
    with pytest.raises(TopologyError) as caught:
        document.fields(document.root, "", ("known",))
    assert len(caught.value.problems) == PROBLEMS_MAX + 1
    assert caught.value.problems[-1] == "x: there may be more"


def test_aliases_count_as_the_copies_that_they_stand_for() -> None:
    small = Document("a: &a [1, 2, 3]\nb: [*a, *a]\n", "x")
    small.bound(16)  # the mapping, two keys, [1, 2, 3], and a list of two more of those
    with pytest.raises(SettingsError, match="x: more than 15 values"):
        small.bound(15)
    lines = ["a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60)]
    with pytest.raises(SettingsError, match="more than 50000 values"):
        Document("\n".join(lines), "x").bound(50_000)


def test_what_contains_itself_is_refused() -> None:
    with pytest.raises(SettingsError, match="x:1:4: contains itself"):
        Document("a: &a [b, *a]", "x").bound(1000)


@pytest.mark.parametrize("depth", [*range(150, 500, 10), 5000])
def test_deep_nesting_is_refused_and_ends_nothing(depth: int) -> None:
    with contextlib.suppress(SettingsError):
        Document("[" * depth + "]" * depth, "x").bound(10_000)
