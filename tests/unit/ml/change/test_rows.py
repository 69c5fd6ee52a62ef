"""What windows are compared by."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from plugin.ml.change.distance import between
from plugin.ml.change.profile import fresh, limits
from plugin.ml.change.rows import FLOORS, LEFT_OUT, WORDS, host_layout, host_row
from plugin.ml.features import host
from plugin.ml.store import load_normal
from plugin.offline.read import read_capture
from tests import attacks
from tests import frames as f

ROOT = Path(__file__).resolve().parents[4]


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


def test_every_group_can_change() -> None:
    """Half of how far the two farthest of the shipped reference devices are apart is a change."""
    how = host_layout()
    assert set(FLOORS) <= set(WORDS)
    normal = load_normal(ROOT / "models" / "normal")
    rows = np.asarray(normal.arrays["rows"], np.float64)[:, : len(how.names)]
    farthest = np.zeros(len(how.groups))
    for row in rows:
        farthest = np.maximum(farthest, between(row, rows, how).max(axis=0))
    least = limits(fresh(how), how)
    assert (least <= 0.51 * farthest).all()
    # None is lower than that asks for.
    lowered = how.floors < 1
    assert (least[lowered] >= 0.49 * farthest[lowered]).all()
