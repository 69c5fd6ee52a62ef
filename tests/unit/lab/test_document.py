from __future__ import annotations

import pytest

from plugin.errors import TopologyError
from plugin.lab.document import Document
from plugin.settings import FILE_BYTES_MAX


def test_a_value_has_its_place() -> None:
    document = Document("a:\n  b: seven\n", "x")
    (_, inner), *_ = document.entries(document.root, "")
    fields = document.fields(inner, "a", ("b",))
    assert document.whole(fields["b"], "a.b", (1, 9), default=3) == 3
    assert document.problems == ["x:2:6: a.b: a whole number from 1 to 9 is expected"]
    with pytest.raises(TopologyError, match="x:2:6"):
        document.finish()


def test_keys_given_twice_and_keys_that_are_no_text() -> None:
    document = Document("{a: 1, a: 2, [b]: 3}", "x")
    assert [word.text for word, _ in document.entries(document.root, "")] == ["a"]
    assert document.problems == ["x:1:8: a: given twice", "x:1:14: : a key that is no plain text"]


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


@pytest.mark.parametrize("text", ["[" * 700, "a" * (FILE_BYTES_MAX + 1), "a: *b", "\x07"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(TopologyError):
        Document(text, "x")
