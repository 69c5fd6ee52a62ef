"""Tables that fit a terminal."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from plugin.cli.columns import CELL_MIN, Cell, labelled, lay_out, paint

HEADER = ("a", "b", "why")
ROW = (Cell("short", "red"), Cell("x" * 12), Cell("one two three four five six seven eight nine"))

words = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
cells = st.tuples(words, words, words).map(lambda row: tuple(map(Cell, row)))


def test_where_nothing_need_fit() -> None:
    assert lay_out([ROW], HEADER, width=None, colour=False) == (
        f"a      b             why\nshort  xxxxxxxxxxxx  {ROW[2].text}\n"
    )


def test_a_sentence_is_wrapped_in_its_column() -> None:
    assert lay_out([ROW], HEADER, width=51, colour=False) == (
        "a      b             why\n"
        "short  xxxxxxxxxxxx  one two three four five six\n"
        "                     seven eight nine\n"
    )


def test_a_sentence_without_room_stands_below() -> None:
    assert lay_out([ROW], HEADER, width=40, colour=False) == (
        "a      b\n"
        "short  xxxxxxxxxxxx\n"
        "    one two three four five six seven\n"
        "    eight nine\n"
    )  # fmt: skip


@given(st.lists(cells, max_size=4), st.integers(2 * CELL_MIN + 4, 120))
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(
    rows: list[tuple[Cell, ...]], width: int
) -> None:
    text = lay_out(rows, HEADER, width=width, colour=False)
    assert max(map(len, text.splitlines())) <= width
    told = Counter("".join(text.split()))
    for row in rows:
        told.subtract("".join(c.text for c in row))
    # What is left are the names of the columns; the last has none where it stands below.
    assert +told in (Counter("abwhy"), Counter("ab"))
    assert min(told.values()) >= 0


def test_colours_take_no_room() -> None:
    plain = lay_out([ROW], HEADER, width=51, colour=False)
    coloured = lay_out([ROW], HEADER, width=51, colour=True)
    assert "\x1b[31mshort\x1b[0m" in coloured
    for code in ("\x1b[31m", "\x1b[1m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


def test_foreign_text_cannot_steer_the_terminal() -> None:
    text = lay_out([(Cell("\x1b[2J"), Cell("a\nb"), Cell(""))], HEADER, width=80, colour=False)
    assert text.count("\n") == 2
    assert "\x1b" not in text


def test_paint() -> None:
    assert paint("x", "red", colour=False) == paint("x", "", colour=True) == "x"
    assert paint("x", "green", colour=True) == "\x1b[32mx\x1b[0m"


def test_columns_that_are_kept_are_never_cut() -> None:
    row = (Cell("02:00:00:00:00:01"), Cell("Workstation"), Cell("a b"))
    for width in (10, 24, 40):
        text = lay_out([row], HEADER, width=width, colour=False, kept=1)
        assert "02:00:00:00:00:01" in text
    assert "Worksta\n" in lay_out([row], HEADER, width=26, colour=False, kept=1).replace(" ", "")
    all_kept = lay_out([row], HEADER, width=10, colour=False, kept=2)
    assert "Workstation" in all_kept


def test_a_label_with_its_text_beside_it() -> None:
    lines = labelled("why", "word " * 12, "red", width=40, colour=True)
    assert lines[0] == "  why         \x1b[31mword word word word word\x1b[0m"
    assert all(line.startswith(" " * 14 + "\x1b[31m") for line in lines[1:])
    assert labelled("a label that is long", "\x1b[2J", "", width=None, colour=False) == [
        "  a label that is long  \\x1b[2J"
    ]
