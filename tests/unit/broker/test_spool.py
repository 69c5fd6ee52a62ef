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
            spool.put(message(9))
            assert waiting(spool)[-1] == "id-9"


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
