from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plugin.errors import OutputError
from plugin.offline import flow_parts


def test_columns_and_what_is_said_of_them_come_back(tmp_path: Path) -> None:
    part = tmp_path / "a.part"
    durations, counts = np.array([0.1, 5e-324, 7.0]), np.array([2, 2**40], np.int64)
    flow_parts.keep_columns(part, {"problems": ["torn\nin two"]}, durations, counts)
    assert flow_parts.column(part, "durations").tobytes() == durations.tobytes()
    assert flow_parts.column(part, "counts").tolist() == [2, 2**40]
    assert flow_parts.document(part) == {"problems": ["torn\nin two"]}


def test_columns_may_be_empty(tmp_path: Path) -> None:
    part = tmp_path / "a.part"
    flow_parts.keep_columns(part, {}, np.zeros(0), np.zeros(0, np.int64))
    assert not len(flow_parts.column(part, "durations"))
    assert not len(flow_parts.column(part, "counts"))


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"[1]\nx", b"\xff\n", None])
def test_a_damaged_part_is_one_clear_error(tmp_path: Path, damage: bytes | None) -> None:
    part = tmp_path / "a.part"
    flow_parts.keep_columns(part, {}, np.ones(3), np.ones(3, np.int64))
    part.write_bytes(part.read_bytes()[:-1] if damage is None else damage)
    with pytest.raises(OutputError, match="damaged; remove it"):
        flow_parts.column(part, "counts")


def test_a_part_is_done_when_it_is_there_with_content(tmp_path: Path) -> None:
    part = tmp_path / "a.part"
    assert not flow_parts.is_done(part)
    part.touch()
    assert not flow_parts.is_done(part)
    flow_parts.keep(part, b"1")
    assert flow_parts.is_done(part)
    assert list(tmp_path.iterdir()) == [part]


def test_a_part_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        flow_parts.keep(tmp_path / "none" / "a.part", b"")


def test_a_key_changes_with_all_it_follows_from(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"1")
    before = flow_parts.key_of("x", flow_parts.state_of(file))
    assert before == flow_parts.key_of("x", flow_parts.state_of(file))
    assert before != flow_parts.key_of("y", flow_parts.state_of(file))
    file.write_bytes(b"12")
    assert before != flow_parts.key_of("x", flow_parts.state_of(file))
