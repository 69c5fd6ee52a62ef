from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plugin.errors import InputError, OutputError, PeerError
from plugin.flows.spec import Spec
from plugin.flows.variant import Variant
from plugin.ml.flow_search import grid
from plugin.offline.flow_batch import Place
from plugin.offline.flow_files import ROW, Extracted
from plugin.offline.flow_learning import Input, Wanted
from plugin.offline.flow_searching import NOTES, Plan, Searched, search, try_all
from plugin.offline.spread import Here, Lost

PLAN = Plan([Variant("STATS")], grid({"kde": {"bandwidth": [0.5, 2.0]}, "knn": {}}), splits=3)


class _Counting(Here):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def map(
        self, function: Callable[[Any, Any], Any], tasks: Iterable[Any], shared: Any
    ) -> Iterator[Any]:
        for task in tasks:
            self.calls += 1
            yield function(shared, task)


def _extracted(labels: str = "0001", columns: int = 2) -> Extracted:
    kinds = np.array([int(one) for one in labels * 12], np.int8)
    rows = np.random.default_rng(1).normal(size=(len(kinds), columns)) + kinds[:, None]
    spec = Spec(
        feature="IAT", fft=False, header=False, packets=columns + 1, interval=1.0, sampling=None
    )
    return Extracted(spec, rows, kinds, np.zeros(len(kinds), ROW), ("a",))


def test_every_point_has_a_figure_for_each_split(tmp_path: Path) -> None:
    found = try_all("IAT", _extracted(), PLAN, Place(tmp_path))
    assert [one.point for one in found] == list(PLAN.points)
    assert [len(one.aucs) for one in found] == [3, 3, 3]
    assert all(0.5 < one.mean <= 1 for one in found)


def test_what_was_tried_is_not_tried_again(tmp_path: Path) -> None:
    counting = _Counting()
    place = Place(tmp_path, counting)
    first = try_all("IAT", _extracted(), PLAN, place)
    assert counting.calls == 9
    assert try_all("IAT", _extracted(), PLAN, place) == first
    assert counting.calls == 9
    wider = PLAN._replace(splits=4)
    assert try_all("IAT", _extracted(), wider, place)[0].tried[:3] == first[0].tried
    assert counting.calls == 12
    try_all("IAT", _extracted(columns=3), PLAN, place)  # other flows
    assert counting.calls == 21
    try_all("IAT", _extracted(), PLAN._replace(test_size=0.5), place)  # another part of them
    assert counting.calls == 30


def test_a_note_that_a_crash_has_cut_is_nothing_and_spoils_no_other(tmp_path: Path) -> None:
    counting = _Counting()
    place, notes = Place(tmp_path, counting), tmp_path / NOTES
    first = try_all("IAT", _extracted(), PLAN, place)
    notes.write_text(notes.read_text()[:-9])
    assert try_all("IAT", _extracted(), PLAN, place) == first
    assert try_all("IAT", _extracted(), PLAN, place) == first
    assert counting.calls == 10
    notes.write_bytes(b"\xff")
    with pytest.raises(OutputError, match="cannot be read"):
        try_all("IAT", _extracted(), PLAN, place)


def test_without_labels_or_with_one_kind_there_is_nothing_to_search(tmp_path: Path) -> None:
    for labels, said in (("0", "all 12 flows are normal"), ("1", "all 12 flows are abnormal")):
        with pytest.raises(InputError, match=said):
            try_all("IAT", _extracted(labels), PLAN, Place(tmp_path))
    with pytest.raises(InputError, match="there are none; give --label"):
        try_all("IAT", _extracted()._replace(labels=None), PLAN, Place(tmp_path))
    with pytest.raises(InputError, match="there are none; give --label"):
        search([Input(tmp_path / "none")], Wanted(), PLAN, Place(tmp_path))


def test_a_trial_that_kills_its_worker_ends_the_search_by_name(tmp_path: Path) -> None:
    class Losing(_Counting):
        def map(self, *_: Any) -> Iterator[Any]:
            yield Lost("killed")

    with pytest.raises(PeerError, match=r"IAT, kernel-density \(bandwidth 0.5\): killed"):
        try_all("IAT", _extracted(), PLAN, Place(tmp_path, Losing()))


def test_features_of_captures_are_searched_and_the_best_is_first(
    root: Path, tmp_path: Path
) -> None:
    folder = root / "tests/data/captures"
    given = [
        Input(folder / "zeek_kinit_kdc.pcap", None, 0),
        Input(folder / "zeek_smb3_server.pcap", None, 1),
    ]
    plan = PLAN._replace(variants=[Variant("STATS"), Variant("SIZE", header=True)])
    found = search(given, Wanted(), plan, Place(tmp_path))
    means = [one.mean for one in found.standings]
    assert means == sorted(means, reverse=True)
    assert {one.feature for one in found.standings} == {"STATS", "SIZE+header"}
    variant, point = found.best
    assert (variant.name, point) == (found.standings[0].feature, found.standings[0].point)
    document = json.loads(json.dumps(found.document()))
    assert [one["mean"] for one in document["points"]] == means
    assert [row[0] for row in found.rows()] == [one.feature for one in found.standings]


def test_where_nothing_could_be_tested_there_is_no_best(tmp_path: Path) -> None:
    plan = PLAN._replace(points=grid({"kde": {"bandwidth": -1.0}}))
    found = Searched(tuple(try_all("IAT", _extracted(), plan, Place(tmp_path))), plan)
    with pytest.raises(InputError, match=r"no algorithm could be tested; the first: .*bandwidth"):
        _ = found.best
    [row] = found.rows()
    assert row[2] == row[3] == "-"
    assert row[4].startswith("3 failed")
    assert found.document()["points"][0]["mean"] is None
