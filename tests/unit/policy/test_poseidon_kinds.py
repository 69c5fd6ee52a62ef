"""Kinds of findings: each has words, an effect that is explained, and a place in the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.policy.poseidon_kinds import ALWAYS, EFFECTS, KINDS

DOCS = Path(__file__).resolve().parents[3] / "docs" / "poseidon-rules.md"


def test_what_always_goes_wrong_is_told_without_words_of_the_file() -> None:
    assert set(ALWAYS) <= set(KINDS)
    assert [name for name in ALWAYS if "{" in KINDS[name].text] == []


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_has_its_effect_and_its_row_in_the_docs(name: str) -> None:
    effect = KINDS[name].effect
    assert effect in EFFECTS
    assert f"| `{name}` | {effect} |" in DOCS.read_text(encoding="utf-8")


def test_the_docs_know_no_other_kind() -> None:
    rows = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    told = [row.split("`")[1] for row in rows if row.split("|")[2].strip() in EFFECTS]
    assert told == list(KINDS)
