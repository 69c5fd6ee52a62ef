from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin.errors import ModelError, OutputError
from plugin.ml import store
from plugin.ml.novelty.model import Normal
from plugin.ml.role import predict_proba
from tests.flow_models import flow_rows, tiny_flows
from tests.models import random_rows, tiny_forest, tiny_net
from tests.normals import tiny_normal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    store.save_model(tiny_net(), tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.mark.parametrize("model", [tiny_net(), tiny_forest()], ids=["net", "forest"])
def test_a_model_comes_back_as_it_was(tmp_path: Path, model: store.Model) -> None:
    written = store.save_model(model, tmp_path / "m")
    read = store.load_model(tmp_path / "m")
    assert read.manifest == written.manifest
    assert read.manifest == model.manifest._replace(arrays_sha256=read.manifest.arrays_sha256)
    rows = random_rows(20, 307, 5)
    assert np.array_equal(predict_proba(read, rows), predict_proba(model, rows))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m"]


def test_a_model_of_normal_comes_back_as_it_was(tmp_path: Path) -> None:
    model = tiny_normal()
    written = store.save_model(model, tmp_path / "m")
    read = store.load_normal(tmp_path / "m")
    assert read.manifest == written.manifest
    assert set(read.arrays) == set(model.arrays)
    assert all(np.array_equal(read.arrays[name], model.arrays[name]) for name in model.arrays)
    store.save_model(model, tmp_path / "again")
    for file in (store.MANIFEST, store.ARRAYS):
        assert (tmp_path / "m" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


@pytest.mark.parametrize("algorithm", ["OCSVM", "KDE", "knn", "sos", "pca"])
def test_a_model_of_flows_comes_back_as_it_was(tmp_path: Path, algorithm: str) -> None:
    model = tiny_flows(algorithm)
    written = store.save_model(model, tmp_path / "m")
    read = store.load_flows(tmp_path / "m")
    assert read.manifest == written.manifest
    assert read.manifest == model.manifest._replace(arrays_sha256=read.manifest.arrays_sha256)
    assert np.array_equal(read.score(flow_rows(9, 2)), model.score(flow_rows(9, 2)))
    assert read.scores.tolist() == model.scores.tolist()
    store.save_model(model, tmp_path / "again")
    for file in (store.MANIFEST, store.ARRAYS):
        assert (tmp_path / "m" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_one_kind_of_model_is_not_taken_for_another(tmp_path: Path, saved: Path) -> None:
    normal = tmp_path / "n"
    store.save_model(tiny_normal(), normal)
    with pytest.raises(ModelError, match="is a model of normal, and a model of roles is needed"):
        store.load_model(normal)
    with pytest.raises(ModelError, match="is a model of roles, and a model of normal is needed"):
        store.load_normal(saved)
    with pytest.raises(ModelError, match="is a model of roles, and a model of flows is needed"):
        store.load_flows(saved)
    assert isinstance(store.load_any(normal), Normal)
    assert isinstance(store.load_any(saved), store.Model)


def test_the_kind_is_told_without_loading(tmp_path: Path, saved: Path) -> None:
    store.save_model(tiny_normal(), tmp_path / "n")
    (tmp_path / "n" / store.ARRAYS).unlink()
    assert store.kind_of(tmp_path / "n") == "normal"
    assert store.kind_of(saved) is None
    assert store.kind_of(tmp_path / "gone") is None
    for text in ("[", "[]", '{"kind": 5}', "[" * 100_000):
        (saved / store.MANIFEST).write_text(text)
        assert store.kind_of(saved) is None


@pytest.mark.parametrize("kind", ["oracle", 5, ["normal"], {}, False])
def test_a_kind_that_is_not_known_is_refused(saved: Path, kind: object) -> None:
    document = json.loads((saved / store.MANIFEST).read_text())
    (saved / store.MANIFEST).write_text(json.dumps(document | {"kind": kind}))
    with pytest.raises(ModelError, match="which Halia has not"):
        store.load_any(saved)


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        store.save_model(tiny_net(), tmp_path / name)
    for file in (store.MANIFEST, store.ARRAYS):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_model_is_replaced_only_with_force(saved: Path) -> None:
    before = (saved / store.ARRAYS).read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        store.save_model(tiny_forest(), saved)
    assert (saved / store.ARRAYS).read_bytes() == before
    store.save_model(tiny_forest(), saved, force=True)
    assert store.load_model(saved).manifest.algorithm == "forest"
    assert sorted(path.name for path in saved.parent.iterdir()) == ["tiny"]


def test_what_is_no_model_is_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    file = tmp_path / "file"
    file.write_text("x")
    link = tmp_path / "link"
    link.symlink_to(folder)
    for place in (folder, file, link):
        with pytest.raises(OutputError, match="no model"):
            store.save_model(tiny_net(), place, force=True)
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="its folder is not there; make it first"):
        store.save_model(tiny_net(), tmp_path / "no" / "such" / "folder")


def test_a_model_that_could_not_be_loaded_is_not_saved(tmp_path: Path) -> None:
    bad = tiny_net()._replace(arrays={**tiny_net().arrays, "b1": np.zeros(9, np.float32)})
    with pytest.raises(ModelError, match="b1 has shape"):
        store.save_model(bad, tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_another_schema_is_refused(saved: Path) -> None:
    change(saved, schema_hash="0" * 64)
    with pytest.raises(ModelError, match="train it again"):
        store.load_model(saved)
    change(saved, schema_name="colours")
    with pytest.raises(ModelError, match="features 'colours', which Halia has not"):
        store.load_model(saved)


def test_other_arrays_than_the_manifests_are_refused(saved: Path) -> None:
    store.save_model(tiny_forest(), saved.parent / "other")
    (saved / store.ARRAYS).write_bytes((saved.parent / "other" / store.ARRAYS).read_bytes())
    with pytest.raises(ModelError, match="not the file that the manifest was written for"):
        store.load_model(saved)


def test_what_is_missing_is_told(saved: Path) -> None:
    (saved / store.ARRAYS).unlink()
    with pytest.raises(ModelError, match=r"arrays\.npz cannot be read: No such file"):
        store.load_model(saved)


def test_sizes_are_bounded(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MANIFEST_BYTES_MAX", 100)
    with pytest.raises(ModelError, match="larger than 100 bytes"):
        store.load_model(saved)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("[" * 100_000, "nested too deeply"),
        ('{"format": NaN}', "the manifest holds NaN"),
        ("null", "no JSON object"),
        ("\xff", "."),
    ],
)
def test_a_manifest_that_is_none_is_refused(saved: Path, text: str, reason: str) -> None:
    (saved / store.MANIFEST).write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError, match=reason):
        store.load_model(saved)


def test_models_are_found_by_name_and_by_path(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [saved.parent / "none", saved.parent]
    assert store.find_model("tiny", folders) == saved
    assert store.find_model(str(saved), []) == saved
    assert store.list_models(folders) == [saved]
    with pytest.raises(ModelError, match="toaster: no such model; there are: tiny"):
        store.find_model("toaster", folders)
    monkeypatch.chdir(saved.parent)
    assert store.find_model("tiny", []).resolve() == saved


def change(saved: Path, **fields: Any) -> None:
    path = saved / store.MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@given(
    algorithm=st.sampled_from(["net", "forest"]),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=4)), min_size=1, max_size=4),
    which=st.sampled_from([store.MANIFEST, store.ARRAYS]),
    shorten=st.booleans(),
    sign=st.booleans(),
)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None
)
def test_a_damaged_model_is_at_worst_refused(
    tmp_path: Path,
    algorithm: str,
    cuts: list[tuple[float, bytes]],
    which: str,
    shorten: bool,
    sign: bool,
) -> None:
    place = tmp_path / algorithm
    made = tiny_net() if algorithm == "net" else tiny_forest()
    store.save_model(made, place, force=True)
    content = bytearray((place / which).read_bytes())
    for where, new in cuts:
        at = int(where * len(content))
        content[at : at + (0 if shorten else len(new))] = new
    (place / which).write_bytes(content)
    if sign and which == store.ARRAYS:  # an attacker can write the digest as well
        change(place, arrays_sha256=hashlib.sha256(content).hexdigest())
    try:
        model = store.load_model(place)
    except ModelError:
        return
    found = predict_proba(model, random_rows(10, 307, 1))
    assert np.isfinite(found).all()
    assert np.allclose(found.sum(axis=1), 1, atol=2e-3)


@given(
    cuts=st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=4)), min_size=1, max_size=4),
    which=st.sampled_from([store.MANIFEST, store.ARRAYS]),
)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
def test_a_damaged_model_of_flows_is_at_worst_refused(
    tmp_path: Path, cuts: list[tuple[float, bytes]], which: str
) -> None:
    place = tmp_path / "m"
    store.save_model(tiny_flows("kde"), place, force=True)
    content = bytearray((place / which).read_bytes())
    for where, new in cuts:
        at = int(where * len(content))
        content[at : at + len(new)] = new
    (place / which).write_bytes(content)
    if which == store.ARRAYS:  # an attacker can write the digest as well
        change(place, arrays_sha256=hashlib.sha256(content).hexdigest())
    try:
        model = store.load_flows(place)
    except ModelError:
        return
    assert np.isfinite(model.score(flow_rows(9, 2))).all()


@pytest.mark.parametrize("name", [store.MANIFEST, store.ARRAYS])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_regular_file_is_refused_without_waiting(
    saved: Path, name: str, kind: str
) -> None:
    (saved / name).unlink()
    if kind == "pipe":
        os.mkfifo(saved / name)  # opening it would wait for a writer
    else:
        (saved / name).symlink_to("/dev/zero")
    with pytest.raises(ModelError, match=f"{name} is no regular file"):
        store.load_model(saved)
