"""A store beside its journal: caught up, ahead, beside another one, and made anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.audit.journal import segments
from plugin.errors import InputError
from plugin.store.database import StoreDamaged, StoreError
from plugin.store.follow import catch_up, follow, rebuild
from plugin.store.state import Store, StoreDiffers
from tests import journals as j


def test_it_is_brought_up_and_stays(tmp_path: Path) -> None:
    url, folder = tmp_path / "s", tmp_path / "j"
    told = [j.device(n % 70) for n in range(2500)]
    for more, expected in ((1200, 1200), (0, 1200), (1300, 2500)):
        j.write(folder, *told[expected - more : expected], size=100_000)
        store, anew = follow(url, folder)
        assert (store.position(), anew) == (expected, None)
        store.close()
    with follow(url, folder).store as store:
        assert len(store.devices()) == 70


def test_a_journal_with_nothing_in_it_yet(tmp_path: Path) -> None:
    j.write(tmp_path / "j")
    store, anew = follow(tmp_path / "s", tmp_path / "j")
    assert (store.position(), anew) == (0, None)
    store.close()


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_a_store_of_another_journal_is_made_anew(tmp_path: Path, length: int) -> None:
    j.write(tmp_path / "a", *(j.device(n) for n in range(3)))
    j.write(tmp_path / "b", *(j.device(n + 10) for n in range(length)))
    follow(tmp_path / "s", tmp_path / "a").store.close()
    store, anew = follow(tmp_path / "s", tmp_path / "b")
    assert anew is not None
    assert anew.endswith("it was made anew")
    assert "\n" not in anew
    assert [one.device.mac for one in store.devices()] == [j.mac(n + 10) for n in range(length)]
    store.close()


def test_rebuild_is_equal_to_what_grew(tmp_path: Path) -> None:
    told = [j.device(1), j.verdict(1, "a"), j.finding(1, "a"), j.verdict(1, "b"), j.gone(2)]
    entries = j.write(tmp_path / "j", *told)
    with Store(tmp_path / "s") as grown, rebuild(tmp_path / "t", tmp_path / "j") as made:
        for entry in entries:
            grown.apply([entry])
        for ask in (
            Store.position,
            Store.devices,
            Store.last_verdicts,
            lambda store: store.judged(["a", "b", "c"]),
            lambda store: store.said(j.mac(1), 9),
        ):
            assert ask(grown) == ask(made)


def test_after_a_time_without_the_store(tmp_path: Path) -> None:
    entries = j.write(tmp_path / "j", *(j.device(n) for n in range(4)))
    with Store(tmp_path / "s") as store:
        store.apply(entries[:1])
        with pytest.raises(StoreDiffers):
            store.apply(entries[3:])
        catch_up(store, tmp_path / "j")
        assert store.position() == 4


def test_nothing_is_made_from_a_journal_that_is_not_whole(tmp_path: Path) -> None:
    j.write(tmp_path / "j", *(j.device(n) for n in range(3)))
    follow(tmp_path / "s", tmp_path / "j").store.close()
    (file,) = segments(tmp_path / "j")
    file.write_bytes(file.read_bytes().replace(b"sw1", b"sw2", 1))
    with pytest.raises(StoreError, match=r"not whole.*line 1"):
        rebuild(tmp_path / "s", tmp_path / "j")
    with pytest.raises(InputError, match="no journal here"):
        follow(tmp_path / "s", tmp_path / "none")
    with pytest.raises(InputError, match="no journal here"):
        rebuild(tmp_path / "s", tmp_path / "none")


TEXT = b"This is no database, but a text of somebody.\n" * 100


@pytest.mark.parametrize("damage", ["truncated", "zeroed", "text"])
def test_a_damaged_file_of_ours_is_set_aside_and_made_anew(tmp_path: Path, damage: str) -> None:
    file, folder = tmp_path / "s", tmp_path / "j"
    j.write(folder, *map(j.device, range(500)))
    follow(file, folder).store.close()
    whole = file.read_bytes()
    wrong = {"truncated": whole[: len(whole) // 3], "zeroed": bytes(len(whole)), "text": TEXT}
    for number in (1, 2):
        file.write_bytes(wrong[damage])
        (tmp_path / "s-wal").write_bytes(b"of the damaged one")
        with pytest.raises(StoreDamaged):  # it may be another's
            follow(file, folder).store.close()
        assert file.read_bytes() == wrong[damage]
        (tmp_path / "s-wal").write_bytes(b"of the damaged one")
        store, anew = follow(file, folder, own=True)
        with store:
            assert len(store.devices()) == 500
        kept = tmp_path / f"s.damaged-{number}"
        assert kept.read_bytes() == wrong[damage]
        assert anew is not None
        assert anew.endswith(f"; the file was set aside as {kept}; it was made anew")
        assert "\n" not in anew
        assert not (tmp_path / "s-wal").exists()
    assert follow(file, folder, own=True).anew is None


def test_a_damaged_file_stays_where_there_is_no_journal_to_make_it_from(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(TEXT)
    with pytest.raises(InputError, match="no journal here"):
        follow(tmp_path / "s", tmp_path / "none", own=True)
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_other_troubles_set_nothing_aside(tmp_path: Path) -> None:
    j.write(tmp_path / "j", j.device(1))
    (tmp_path / "s").mkdir()
    with pytest.raises(StoreError, match="unable to open"):
        follow(tmp_path / "s", tmp_path / "j", own=True)
    assert (tmp_path / "s").is_dir()
