from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plugin.offline.flow_learning import Input, Wanted, extract
from plugin.offline.flow_passes import (
    Bad,
    Measured,
    Stage,
    labelled_parts,
    rows_of_parts,
    whole_flows,
)

PASSES = (whole_flows, labelled_parts, rows_of_parts)


@pytest.fixture
def capture(root: Path) -> Path:
    return root / "tests/data/captures/zeek_smb3_server.pcap"


def test_each_pass_measures_what_learning_in_one_go_rests_on(capture: Path, tmp_path: Path) -> None:
    given = Input(capture)
    whole = whole_flows(Stage(Wanted()), given)
    assert isinstance(whole, Measured)
    interval = float(np.quantile(whole.durations, 0.9))
    known = extract([given], Wanted(feature="SIZE"))
    assert interval == known.spec.interval

    stage = Stage(Wanted(interval=interval))
    parts = labelled_parts(stage, given)
    assert isinstance(parts, Measured)
    assert parts.flows == len(parts.counts) == len(known.features)
    assert int(np.quantile(parts.counts, 0.9)) == known.spec.packets
    assert parts.counts.sum() == known.rows["packets"].sum()

    made = rows_of_parts(stage._replace(spec=known.spec), given)
    file = tmp_path / "rows.dat"
    assert isinstance(made, bytes)
    file.write_bytes(made)
    from plugin.offline.flow_files import read_features

    assert read_features(file).features.tobytes() == known.features.tobytes()


def test_only_flows_with_a_label_count_and_all_are_told(capture: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "Source IP,Source Port,Destination IP,Destination Port,Protocol,Label\n"
        "10.9.9.9,1,10.9.9.8,2,6,BENIGN\n"
    )
    found = labelled_parts(Stage(Wanted(interval=1.0)), Input(capture, labels))
    assert isinstance(found, Measured)
    assert found.flows
    assert not len(found.counts)


@pytest.mark.parametrize("one", PASSES)
def test_what_is_no_capture_is_bad_and_stops_nothing(one: object, tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("no capture")
    spec = None
    if one is rows_of_parts:
        from plugin.flows.spec import Spec

        spec = Spec(feature="IAT", fft=False, header=False, packets=3, interval=1.0, sampling=None)
    found = one(Stage(Wanted(interval=1.0), spec=spec), Input(file))  # type: ignore[operator]  # a function
    assert isinstance(found, Bad)
    assert found.reason
