"""The tables as each database is told to make them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy.schema import CreateTable

from plugin.store.database import place
from plugin.store.tables import METADATA


@pytest.mark.parametrize(
    ("url", "document"),
    [("sqlite://", "TEXT"), ("postgresql://", "TEXT"), ("mariadb://", "MEDIUMTEXT")],
)
def test_every_table_is_ours_by_name_and_holds_whole_documents(url: str, document: str) -> None:
    dialect = place(url).get_dialect()()
    for table in METADATA.sorted_tables:
        assert table.name.startswith("halia_")
        made = str(CreateTable(table).compile(dialect=dialect))
        for column in table.columns:
            if column.name in {"document", "text"}:
                assert f"{column.name} {document} NOT NULL" in made
            if column.name == "time":
                assert "time DOUBLE" in made
        assert (url == "mariadb://") == ("utf8mb4_bin" in made)


def test_what_is_asked_for_has_an_index() -> None:
    indexes = {
        (table.name, tuple(column.name for column in index.columns))
        for table in METADATA.sorted_tables
        for index in table.indexes
    }
    assert ("halia_verdicts", ("mac", "number")) in indexes
    assert ("halia_findings", ("mac", "number")) in indexes
    assert ("halia_captures", ("number",)) in indexes
    assert ("halia_decisions", ("mac", "number")) in indexes


def test_the_documented_tables_are_these() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "store.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(halia_\w+)`", text)) == set(METADATA.tables)
