"""The spool on a real disk: order, restarts, crashes at every byte, a full disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.broker.message import Message
from plugin.broker.spool import Spool, SpoolError, SpoolFullError
from tests.disk import Disk

if TYPE_CHECKING:
    from pathlib import Path


def message(n: int, size: int = 20) -> Message:
    return Message("halia", "halia.verdict", f"id-{n}", b"x" * size)


def waiting(spool: Spool) -> list[str]:
    return [kept.message.message_id for kept in spool.waiting()]


def test_what_is_not_confirmed_is_there_after_a_restart(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        numbers = [spool.put(message(n)) for n in range(4)]
        spool.confirm(numbers[1])
        assert waiting(spool) == ["id-0", "id-2", "id-3"]
        assert len(spool) == 3
    with Spool(tmp_path) as spool:
        # Confirmed out of order, and forgotten over the restart: sent again, never lost.
        assert waiting(spool) == ["id-0", "id-1", "id-2", "id-3"]
        assert [kept.message for kept in spool.waiting(after=3)] == [message(3)]


def test_all_confirmed_leaves_nothing_on_disk(tmp_path: Path) -> None:
    with Spool(tmp_path, segment_bytes=100) as spool:
        numbers = [spool.put(message(n)) for n in range(20)]
        assert len(list(tmp_path.iterdir())) > 5
        for number in numbers:
            spool.confirm(number)
        assert (len(spool), spool.bytes) == (0, 0)
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 0
    with Spool(tmp_path) as spool:
        assert waiting(spool) == []
        assert len(list(tmp_path.iterdir())) == 1


def test_what_was_confirmed_is_not_sent_again_after_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    with Spool(tmp_path) as spool:
        number = spool.put(message(1))
        assert any(disk.left(tmp_path).values())
        spool.confirm(number)
        assert not any(disk.left(tmp_path).values())


def test_segments_go_as_they_are_confirmed(tmp_path: Path) -> None:
    with Spool(tmp_path, segment_bytes=100) as spool:
        numbers = [spool.put(message(n)) for n in range(20)]
        for number in numbers[:10]:
            spool.confirm(number)
    with Spool(tmp_path) as spool:
        left = waiting(spool)
        assert left[-10:] == [f"id-{n}" for n in range(10, 20)]
        assert len(left) <= 12


def test_confirming_twice_or_what_was_never_kept(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        first, second = spool.put(message(1)), spool.put(message(2))
        for number in (first, first, 0, 99, -1):
            spool.confirm(number)
        assert waiting(spool) == ["id-2"]
        spool.confirm(second)
        spool.confirm(second)
        assert len(spool) == 0


def test_a_crash_at_any_byte_keeps_all_that_was_whole(tmp_path: Path) -> None:
    with Spool(tmp_path / "s") as spool:
        for n in range(3):
            spool.put(message(n))
        size = spool.bytes // 3
    (file,) = (tmp_path / "s").iterdir()
    content = file.read_bytes()
    for cut in range(len(content) + 1):
        shutil.rmtree(tmp_path / "t", ignore_errors=True)
        (tmp_path / "t").mkdir()
        (tmp_path / "t" / file.name).write_bytes(content[:cut])
        with Spool(tmp_path / "t") as spool:
            assert waiting(spool) == [f"id-{n}" for n in range(cut // size)]
            assert sum(path.stat().st_size for path in spool.torn) == cut % size
            assert spool.damaged == 0
            assert len(spool.told()) == len(spool.torn) == (cut % size > 0)
            assert all("cut short by a crash" in told for told in spool.told())
            spool.put(message(9))
            assert waiting(spool)[-1] == "id-9"
        with Spool(tmp_path / "t") as spool:  # and it is not there to be found again
            assert spool.torn == []
            assert spool.bytes == (cut // size + 1) * size


def test_a_damaged_bit_anywhere_loses_one_message_and_is_told(tmp_path: Path) -> None:
    with Spool(tmp_path / "s") as spool:
        for n in range(4):
            spool.put(message(n))
        size = spool.bytes // 4
    (file,) = (tmp_path / "s").iterdir()
    content = file.read_bytes()
    for place in range(len(content)):
        folder = tmp_path / f"{place}"
        folder.mkdir()
        wrong = bytearray(content)
        wrong[place] ^= 1 << place % 8
        (folder / file.name).write_bytes(wrong)
        left = [f"id-{n}" for n in range(4) if n != place // size]
        with Spool(folder) as spool:
            assert waiting(spool) == left
            assert (spool.damaged, spool.bytes) == (1, 3 * size)
            (torn,) = spool.torn
            assert torn.read_bytes() == wrong[place // size * size :][:size]
            (told,) = spool.told()
            assert str(torn) in told
            assert "damaged in 1 place of spool-000000000001.bin" in told
        with Spool(folder) as spool:  # told once
            assert waiting(spool) == left
            assert (spool.damaged, spool.torn, spool.told()) == (0, [], [])


def test_zeros_and_rubbish_between_messages_are_put_aside_together(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        for n in range(6):
            spool.put(message(n))
        size = spool.bytes // 6
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    content[size : 3 * size] = bytes(2 * size)
    content[4 * size - 5 : 4 * size + 5] = b"\xff" * 10
    file.write_bytes(content)
    (tmp_path / "spool-000000000001.torn").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "spool-000000000001.new").write_bytes(b"of a start that crashed")
    with Spool(tmp_path) as spool:
        assert waiting(spool) == ["id-0", "id-5"]
        assert [path.name for path in spool.torn] == ["spool-000000000001-2.torn"]
        assert spool.torn[0].read_bytes() == content[size : 5 * size]
        assert spool.damaged > 0
        for kept in list(spool.waiting()):
            spool.confirm(kept.number)
    assert not (tmp_path / "elsewhere").exists()


def test_nothing_but_zeros(tmp_path: Path) -> None:
    (tmp_path / "spool-000000000001.bin").write_bytes(bytes(100_000))
    with Spool(tmp_path) as spool:
        assert (waiting(spool), spool.bytes, spool.damaged) == ([], 0, 1)
        assert spool.torn[0].read_bytes() == bytes(100_000)


def test_what_is_damaged_while_it_waits_holds_up_nobody(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        for n in range(3):
            spool.put(message(n))
        (file,) = tmp_path.iterdir()
        content = bytearray(file.read_bytes())
        content[spool.bytes // 2] ^= 1
        file.write_bytes(content)
        for _ in range(2):
            assert waiting(spool) == ["id-0", "id-2"]
            assert (len(spool), spool.damaged, len(spool.told())) == (2, 1, 1)


def test_what_was_torn_goes_nowhere_that_a_planted_link_points_to(tmp_path: Path) -> None:
    folder, outside = tmp_path / "s", tmp_path / "outside"
    folder.mkdir()
    (folder / "spool-000000000001.bin").write_bytes(b"torn")
    (folder / "spool-000000000001.4.torn").symlink_to(outside)
    with Spool(folder) as spool:
        assert [path.read_bytes() for path in spool.torn] == [b"torn"]
    assert not outside.exists()


def test_full_is_said_and_nothing_is_dropped(tmp_path: Path) -> None:
    with Spool(tmp_path, max_bytes=200) as spool:
        numbers = [spool.put(message(n)) for n in range(3)]
        with pytest.raises(SpoolFullError, match="3 messages wait for the broker"):
            spool.put(message(3))
        assert waiting(spool) == ["id-0", "id-1", "id-2"]
        for number in numbers:
            spool.confirm(number)
        spool.put(message(4))
        assert waiting(spool) == ["id-4"]


def test_a_disk_that_takes_no_more(tmp_path: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
from plugin.broker.message import Message
from plugin.broker.spool import Spool, SpoolError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
with Spool(Path(sys.argv[1])) as spool:
    n = 0
    try:
        while True:
            spool.put(Message("e", "k", str(n), b"x" * 100))
            n += 1
    except SpoolError as error:
        print(n, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    number, _, text = done.stdout.partition(" ")
    assert "the spool cannot be written: File too large" in text
    with Spool(tmp_path) as spool:
        assert waiting(spool) == [str(n) for n in range(int(number))]
        assert spool.torn == []


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SpoolError, match="cannot be opened"):
        Spool(tmp_path / "file")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.just("put"), st.just("restart"), st.integers(0, 30)), max_size=30))
def test_nothing_unconfirmed_is_ever_missing(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str | int]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(folder, segment_bytes=120)
    kept: dict[str, int] = {}
    count = 0
    for step in steps:
        if step == "put":
            kept[f"id-{count}"] = spool.put(message(count))
            count += 1
        elif step == "restart":
            spool.close()
            spool = Spool(folder, segment_bytes=120)
            now = {k.message.message_id: k.number for k in spool.waiting()}
            assert kept.keys() <= now.keys()
            kept = now
        elif isinstance(step, int) and kept:
            name = sorted(kept)[step % len(kept)]
            spool.confirm(kept.pop(name))
        assert set(waiting(spool)) == kept.keys()
    spool.close()
