from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from plugin.errors import DatasetError, ModelError, OptionError, OutputError
from plugin.netml import KDE, OCSVM, PCAP, dump_data, load_data
from tests.netml_files import FLOWS, SMALL

PICKLE = b"\x80\x04K\x01."


@pytest.fixture(scope="module")
def pcap() -> PCAP:
    made = PCAP(SMALL)
    made.pcap2flows()
    made.label_flows(label=1)
    made.flow2features("STATS")
    return made


def test_features_come_back_as_they_were(pcap: PCAP, tmp_path: Path) -> None:
    path = tmp_path / "new" / "features.dat"
    dump_data((pcap.features, None), out_file=path)
    assert load_data(path)[1] is None
    dump_data((pcap.features, pcap.labels), out_file=path)  # replaces the first
    found, known = load_data(path)
    assert (found == pcap.features).all()
    assert found.spec == pcap.spec
    assert known.tolist() == [1] * FLOWS
    stream = io.BytesIO()
    dump_data((found, known), stream)  # what was read can be written, with whose it was
    assert stream.getvalue() == path.read_bytes()
    stream.seek(0)
    assert (load_data(stream)[0] == found).all()
    dump_data((found[:3], known[:3]), path)
    assert load_data(path)[0].shape == (3, 12)


def test_a_model_comes_back_as_it_was(pcap: PCAP, tmp_path: Path) -> None:
    detector = KDE(bandwidth=0.5).fit(pcap.features)
    detector.name = "KDE"
    path = tmp_path / "new" / "model.dat"
    dump_data((detector, {"score": 0.5}), out_file=str(path))
    dump_data((detector, {"score": 0.625}), out_file=str(path))
    found, history = load_data(str(path))
    assert history == {"score": 0.625}
    assert found.bandwidth == 0.5
    assert found.spec_ == pcap.spec
    assert (found.predict(pcap.features) == detector.predict(pcap.features)).all()


def test_no_pickle_is_written_or_read(tmp_path: Path) -> None:
    path = tmp_path / "theirs.dat"
    for data in ({"a": 1}, (np.zeros((2, 2)), None), (1, 2, 3)):
        with pytest.raises(OptionError, match="can be kept"):
            dump_data(data, path)
    path.write_bytes(PICKLE)
    with pytest.raises(DatasetError, match="pickle"):
        load_data(path)
    assert path.read_bytes() == PICKLE
    with pytest.raises(OptionError, match="no pickle"):
        dump_data((type("Theirs", (), {"decision_function": print})(), {}), path)


def test_models_that_could_score_nothing_are_refused(pcap: PCAP, tmp_path: Path) -> None:
    path = tmp_path / "m"
    with pytest.raises(ModelError, match="not trained"):
        dump_data((OCSVM(), {}), path)
    with pytest.raises(ModelError, match="do not tell how"):
        dump_data((OCSVM().fit(np.asarray(pcap.features)), {}), path)
    with pytest.raises(OptionError, match="folder"):
        dump_data((OCSVM().fit(pcap.features), {}), io.BytesIO())
    path.write_text("mine")
    with pytest.raises(OutputError, match="no model"):
        dump_data((OCSVM().fit(pcap.features), {}), path)
    assert path.read_text() == "mine"


def test_some_columns_only_are_not_kept(pcap: PCAP, tmp_path: Path) -> None:
    path = tmp_path / "m"
    some = pcap.features[:, :10]
    with pytest.raises(ModelError, match="10 of 12 columns"):
        dump_data((OCSVM().fit(some), {}), path)
    with pytest.raises(DatasetError, match="12 columns"):
        dump_data((some, pcap.labels), path)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_leaves_what_was_there_and_nothing_beside(
    pcap: PCAP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f.dat"
    path.write_text("mine")

    def full(_: object, stream: io.BytesIO) -> None:
        stream.write(b"PK")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("plugin.netml.files.write_features", full)
    with pytest.raises(OutputError, match="No space left"):
        dump_data((pcap.features, None), path)
    assert [each.name for each in tmp_path.iterdir()] == ["f.dat"]
    assert path.read_text() == "mine"


@pytest.mark.parametrize("labels", [[1, 0], [2] * FLOWS])
def test_labels_that_do_not_fit_are_refused(pcap: PCAP, labels: list[int]) -> None:
    with pytest.raises(DatasetError, match="numbers 0 or 1"):
        dump_data((pcap.features, labels), io.BytesIO())
