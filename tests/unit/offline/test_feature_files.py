from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import numpy as np
import pytest

from plugin.errors import OptionError
from plugin.ml.schema import SCHEMAS
from plugin.offline.feature_files import writer_for
from plugin.offline.features import Table, features, joined

CAPTURES = Path(__file__).parents[2] / "data" / "captures"


@pytest.fixture(scope="module")
def table() -> Table:
    return features(CAPTURES / "airprint_printer4.pcap", set="networkml-4104")


def written(table: Table, name: str) -> io.BytesIO:
    stream = io.BytesIO()
    writer_for(name)(table, stream)
    stream.seek(0)
    return stream


def test_npz_holds_the_sparse_arrays(table: Table) -> None:
    found = np.load(written(table, "x.npz"), allow_pickle=False)
    for name in ("indptr", "indices", "data"):
        assert np.array_equal(found[name], getattr(table.matrix, name))
    assert found["shape"].tolist() == [table.matrix.n_rows, 4104]
    assert tuple(found["columns"]) == table.schema.names
    assert found["device"].tolist() == table.device.tolist()
    assert found["session"].tolist() == table.session.tolist()
    assert found["schema"][2] == table.schema.hash


def test_csv_holds_every_column(table: Table) -> None:
    rows = list(csv.reader(io.TextIOWrapper(written(table, "x.CSV"), encoding="utf-8", newline="")))
    assert rows[0] == ["source", "device", "session", *table.schema.names]
    assert [row[1] for row in rows[1:]] == table.device.tolist()
    values = np.array([row[3:] for row in rows[1:]], np.float32)
    assert np.array_equal(values, table.matrix.to_dense())


def test_parquet_holds_every_column(table: Table) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    found = parquet.read_table(written(table, "x.parquet"))
    assert found.column_names == ["source", "device", "session", *table.schema.names]
    assert found["device"].to_pylist() == table.device.tolist()
    dense = np.stack([found[name].to_numpy() for name in table.schema.names], axis=1)
    assert np.array_equal(dense, table.matrix.to_dense())


@pytest.mark.parametrize("name", ["x.npz", "x.csv", "x.parquet"])
def test_no_rows_are_a_file_too(name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    assert written(joined([], SCHEMAS["service-ports"]), name).read()


def test_other_suffixes_are_refused() -> None:
    for name in ("x.txt", "x", "npz"):
        with pytest.raises(OptionError, match=r"\.npz, \.csv or \.parquet"):
            writer_for(f"{name} ")


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(OptionError, match=r"Parquet needs pyarrow.*halia\[parquet\]"):
        writer_for("x.parquet")
