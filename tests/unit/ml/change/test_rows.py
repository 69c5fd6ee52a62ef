"""What windows are compared by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.ml.change.rows import LEFT_OUT, WORDS, host_layout, host_row
from plugin.ml.features import host
from plugin.offline.read import read_capture
from tests import attacks
from tests import frames as f

if TYPE_CHECKING:
    from pathlib import Path


def test_every_group_has_words_and_those_of_the_start_are_left_out() -> None:
    assert set(host.groups()) == set(WORDS) | LEFT_OUT
    assert set(host_layout().groups) == set(WORDS.values())


def test_a_column_stands_in_one_group() -> None:
    columns = [one for group in host_layout().columns for one in group.tolist()]
    assert len(set(columns)) == len(columns) < len(host_layout().names)


def test_the_row_is_that_of_the_device(tmp_path: Path) -> None:
    (tmp_path / "x.pcap").write_bytes(f.pcap(*attacks.horizontal()))
    capture = read_capture(tmp_path / "x.pcap", packets=True)
    names = [mac.tobytes().hex(":") for mac in capture.macs["mac"]]
    row = host_row(capture, names.index(attacks.BAD_TEXT))
    assert row.shape == (len(host_layout().names),)
    told = dict(zip(host_layout().names, row.tolist(), strict=True))
    assert told["sent_peers_inside"] > 1  # more than ten hosts
    other = host_row(capture, next(i for i, m in enumerate(names) if m != attacks.BAD_TEXT))
    assert other.tolist() != row.tolist()
