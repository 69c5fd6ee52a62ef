"""Rows in batches, and old ones out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.store.fold import fold
from plugin.store.state import Store
from plugin.store.write import batches
from tests import journals as j

if TYPE_CHECKING:
    from pathlib import Path


def test_no_statement_takes_more_values_than_all_databases_do() -> None:
    found = list(batches(range(1_201)))
    assert [len(some) for some in found] == [500, 500, 201]
    assert [one for some in found for one in some] == list(range(1_201))
    assert list(batches([])) == []


def test_a_row_takes_the_place_of_the_one_with_its_key(tmp_path: Path) -> None:
    entries = j.write(tmp_path / "journal", *(j.device(n) for n in range(700)), j.gone(3))
    assert len(fold(entries).devices) == 700
    with Store(tmp_path / "state.sqlite") as store:
        store.apply(entries)
        assert len(store.devices()) == 699
        store.apply(j.write(tmp_path / "journal", j.device(5, name="anew"), j.decision(1)))
        store.apply(j.write(tmp_path / "journal", j.decision(1, "over")))
        assert len(store.devices()) == 699
        assert [one.device.name for one in store.devices() if one.device.name] == ["anew"]
        assert [one["state"] for one in store.cases()] == ["over"]
