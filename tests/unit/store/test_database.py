"""What a store's URL stands for, and how it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.store.database import StoreError, connect, place, shown


def test_a_file_with_any_name(tmp_path: Path) -> None:
    path = tmp_path / "a?b#c %20:@.sqlite"
    assert shown(place(path)) == str(path)
    engine = connect(place(path))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()
    assert path.exists()


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:////x/y", "sqlite"),
        ("postgresql://h/d", "postgresql+psycopg"),
        ("mariadb://h/d", "mariadb+pymysql"),
        ("mysql+mysqldb://h/d", "mariadb+pymysql"),
    ],
)
def test_each_kind_has_one_driver(url: str, driver: str) -> None:
    assert place(url).drivername == driver


def test_a_password_is_never_told() -> None:
    assert shown(place("postgresql://u:secret@h/d")) == "postgresql+psycopg://u:***@h/d"


def test_a_driver_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"psycopg is not installed; pip install 'halia\[postg"):
        connect(place("postgresql://h/d"))
