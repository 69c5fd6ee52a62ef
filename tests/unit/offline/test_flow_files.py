from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from plugin.errors import DatasetError
from plugin.flows.spec import Spec
from plugin.ml.arrays import pack
from plugin.offline.flow_files import (
    ROW,
    Extracted,
    features_in,
    joined,
    read_features,
    write_features,
)

SPEC = Spec(feature="SIZE", fft=False, header=False, packets=3, interval=1.5, sampling=None)


def extracted(n: int = 4, *, labelled: bool = True) -> Extracted:
    rows = np.zeros(n, ROW)
    rows["begin"] = np.arange(n) * 10**9
    rows["mac"][:, 5] = 7
    labels = (np.arange(n) % 2).astype(np.int8)
    features = np.arange(3.0 * n).reshape(n, 3)
    return Extracted(SPEC, features, labels if labelled else None, rows, ("a.pcap",))


def written(one: Extracted) -> bytes:
    stream = io.BytesIO()
    write_features(one, stream)
    return stream.getvalue()


@pytest.mark.parametrize("labelled", [True, False])
def test_what_is_written_comes_back(tmp_path: Path, *, labelled: bool) -> None:
    one = extracted(labelled=labelled)
    path = tmp_path / "any.dat"
    path.write_bytes(written(one))
    found = read_features(path)
    assert found.spec == SPEC
    assert (found.features == one.features).all()
    assert (found.rows == one.rows).all()
    assert found.captures == ("a.pcap",)
    if one.labels is None:
        assert found.labels is None
    else:
        assert found.labels is not None
        assert found.labels.tolist() == one.labels.tolist()
    assert written(found) == written(one)  # nothing of the time of day is in it


def test_it_is_an_npz_for_whoever_likes_to_look() -> None:
    with np.load(io.BytesIO(written(extracted())), allow_pickle=False) as arrays:
        assert arrays["features"].shape == (4, 3)
        assert json.loads(arrays["document"].tobytes())["spec"]["interval"] == 1.5


def test_some_rows_and_several_captures() -> None:
    one = extracted()
    some = one.take(np.array([3, 1]))
    assert some.features.tolist() == [one.features[3].tolist(), one.features[1].tolist()]
    assert some.labels is not None
    assert some.labels.tolist() == [1, 1]
    both = joined([one, extracted(2)])
    assert both.captures == ("a.pcap", "a.pcap")
    assert both.rows["capture"].tolist() == [0] * 4 + [1] * 2
    assert both.labels is not None
    assert joined([one, extracted(2, labelled=False)]).labels is None


def test_a_pickle_is_told_and_never_read(tmp_path: Path) -> None:
    path = tmp_path / "theirs.dat"
    path.write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(DatasetError, match="pickle, as netml writes them"):
        read_features(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"1,2,3\n", "no file of flow features"), (b"PK\x03\x04", "damaged")],
)
def test_other_files_are_told(content: bytes, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        features_in(io.BytesIO(content), "x")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read_features(tmp_path / "none")


def test_a_pipe_or_a_device_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(DatasetError, match="no regular file"):
            read_features(tmp_path / name)


def changed(name: str, value: np.ndarray) -> bytes:
    with np.load(io.BytesIO(written(extracted()))) as arrays:
        return pack({**{key: arrays[key] for key in arrays}, name: value})


def document(**parts: object) -> np.ndarray:
    with np.load(io.BytesIO(written(extracted()))) as arrays:
        told = json.loads(arrays["document"].tobytes())
    return np.frombuffer(json.dumps({**told, **parts}).encode(), np.uint8)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("features", np.full((4, 3), np.nan), "not finite"),
        ("features", np.zeros((4, 2)), "shape"),
        ("features", np.full((4, 3), -1e31), "beyond 1e\\+30"),
        ("labels", np.array([0, 1, 2, 0], np.int8), "neither 0 nor 1"),
        ("labels", np.zeros(3, np.int8), "shape"),
        ("mac", np.zeros((4, 5), np.uint8), "shape"),
        ("capture", np.array([0, 0, 1, 0], np.int32), "not there"),
        ("document", np.frombuffer(b"[]", np.uint8), "document"),
        ("document", np.frombuffer(b"[" * 9999, np.uint8), "no file of flow features"),
        ("document", document(kind="roles"), "kind"),
        ("document", document(format=9), "format 9"),
        ("document", document(captures=[1]), "does not say"),
        ("document", document(spec=7), "does not say"),
        ("document", document(spec={"version": 99}), "version 99"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, value: np.ndarray, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        features_in(io.BytesIO(changed(name, value)), "x")


def test_a_foreign_array_is_refused() -> None:
    stream = io.BytesIO(written(extracted()))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("evil.npy", b"")
    with pytest.raises(DatasetError, match="other arrays"):
        features_in(io.BytesIO(stream.getvalue()), "x")
