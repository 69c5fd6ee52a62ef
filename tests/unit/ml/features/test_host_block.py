from __future__ import annotations

import numpy as np

from plugin.ml.features.host_block import (
    Column,
    View,
    binned,
    columns_of,
    log,
    sent,
    shares_of,
    sided,
)
from plugin.ml.features.host_parts import Part


def view() -> View:
    none = np.zeros(0, np.int64)
    there, back = (
        Part(lambda _: none, np.zeros(n, np.int64), 1, near) for n, near in ((3, "src"), (5, "dst"))
    )
    return View(there, back, np.zeros(0, np.void), none.astype(bool), none)


def test_bins_are_those_of_the_names() -> None:
    columns = shares_of("size", (10, 20.5), "share with")
    assert [c.name for c in columns] == ["size_below_10", "size_from_10", "size_from_20.5"]
    assert [c.definition for c in columns] == [
        "share with below 10",
        "share with from 10 to below 20.5",
        "share with 20.5 or more",
    ]
    assert binned(np.array([9, 10, 20, 21]), (10, 20.5)).tolist() == [0, 1, 1, 2]


def test_a_sided_block_is_of_packets_sent_and_of_packets_received() -> None:
    mine = Column("n", "packets", "how many")
    there, back = sided("amount", [mine], lambda part: part.counts[:, None].astype(float))
    assert [b.columns[0].name for b in (there, back)] == ["sent_n", "received_n"]
    assert [b.sent_only for b in (there, back)] == [True, False]
    assert [b.compute(view()).tolist() for b in (there, back)] == [[[3]], [[5]]]
    assert back.columns[0].definition == "how many; of packets addressed to the device"
    only = sent("amount", [mine], lambda part: part.counts[:, None].astype(float))
    assert (only.columns, only.sent_only) == (there.columns, True)


def test_logarithm_and_columns() -> None:
    assert log(np.array([0, 9, 99])).tolist() == [0, 1, 2]
    assert columns_of(np.array([1.0, 2]), np.array([[3.0, 4], [5, 6]])).tolist() == [
        [1, 3, 4],
        [2, 5, 6],
    ]
