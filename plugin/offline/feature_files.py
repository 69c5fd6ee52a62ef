"""A feature table as npz, CSV or Parquet.

npz holds the sparse arrays (``indptr``, ``indices``, ``data``, ``shape``), the ``columns`` and
the rows' ``source``, ``device`` and ``session``; no pickle is needed to load it. CSV and Parquet
have those three columns first and then every feature, zeros written out.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from plugin.errors import OptionError, install_extra

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.offline.features import Table

ID_COLUMNS = ("source", "device", "session")
_BLOCK = 1000  # rows of Parquet that are made dense at once


def writer_for(name: str) -> Callable[[Table, BinaryIO], None]:
    """Choose the form by the file's suffix.

    Raises:
        OptionError: the suffix is none of them, or a library is missing.
    """
    suffix = name.rpartition(".")[2].lower()
    if suffix not in _WRITERS:
        raise OptionError(
            "features are written as .npz, .csv or .parquet",
            where=name,
            advice="give --out a name that ends so",
        )
    if suffix == "parquet":
        _pyarrow()
    return _WRITERS[suffix]


def _write_npz(table: Table, out: BinaryIO) -> None:
    matrix = table.matrix
    np.savez_compressed(
        out,
        indptr=matrix.indptr,
        indices=matrix.indices,
        data=matrix.data,
        shape=np.array([matrix.n_rows, matrix.n_columns]),
        columns=np.array(table.schema.names),
        source=table.source.astype(str),
        device=table.device.astype(str),
        session=table.session,
        schema=np.array([table.schema.name, str(table.schema.version), table.schema.hash]),
    )


def _write_csv(table: Table, out: BinaryIO) -> None:
    import csv

    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=False)
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*ID_COLUMNS, *table.schema.names])
    matrix = table.matrix
    zeros = ["0"] * matrix.n_columns
    for k in range(matrix.n_rows):
        cells = zeros.copy()
        part = slice(matrix.indptr[k], matrix.indptr[k + 1])
        for column, value in zip(matrix.indices[part], matrix.data[part], strict=True):
            cells[column] = f"{value:.9g}"
        rows.writerow([table.source[k], table.device[k], table.session[k], *cells])
    text.flush()
    text.detach()


def _write_parquet(table: Table, out: BinaryIO) -> None:
    arrow, parquet = _pyarrow()
    names = table.schema.names
    schema = arrow.schema(
        [
            ("source", arrow.string()),
            ("device", arrow.string()),
            ("session", arrow.int64()),
            *((name, arrow.float32()) for name in names),
        ],
        metadata={"schema": f"{table.schema.name} {table.schema.version} {table.schema.hash}"},
    )
    with parquet.ParquetWriter(out, schema) as writer:
        for begin in range(0, table.matrix.n_rows, _BLOCK):
            numbers = np.arange(begin, min(begin + _BLOCK, table.matrix.n_rows))
            dense = np.ascontiguousarray(table.matrix.rows(numbers).to_dense().T)
            columns = [table.source[numbers], table.device[numbers], table.session[numbers], *dense]
            made = [
                arrow.array(column, field.type)
                for column, field in zip(columns, schema, strict=True)
            ]
            writer.write_table(arrow.Table.from_arrays(made, schema=schema))


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise OptionError("Parquet needs pyarrow", advice=install_extra("parquet")) from error
    return pa, parquet


_WRITERS = {"npz": _write_npz, "csv": _write_csv, "parquet": _write_parquet}
