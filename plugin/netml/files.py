"""``dump_data`` and ``load_data``: features and models, in files that hold data only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

import plugin
from plugin.errors import DatasetError, ModelError, OptionError, OutputError
from plugin.flows.spec import Spec
from plugin.netml.rows import Features, Whose, features
from plugin.offline.flow_files import ROW, Extracted, features_in, read_features, write_features
from plugin.offline.flow_training import check_place, name_of, save_flow_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNKNOWN = ("unknown",)
"""In place of names of captures."""


def dump_data(
    data: object,
    out_file: str | Path | IO[bytes],
    verbose: object = True,  # noqa: ARG001 - netml's
) -> None:
    """Keep features, or a model; what stands there is replaced, and folders are made.

    Args:
        data: ``(pcap.features, pcap.labels)`` go to a file, ``(detector, history)`` to the folder
            of a model, which ``halia classify`` takes.
        out_file: where; of features an open binary file too.
        verbose: nothing is printed, whatever it is.

    Raises:
        OptionError: data of another kind: there is no pickle here.
        OutputError: it cannot be written.
    """
    first, second = data if isinstance(data, tuple) and len(data) == 2 else (None, None)  # noqa: PLR2004 - a pair
    if isinstance(first, Features) and first.spec is not None:
        _dump_features(first, second, out_file)
    elif hasattr(first, "decision_function"):
        _dump_model(first, second or {}, out_file)
    else:
        raise OptionError(
            "only (pcap.features, pcap.labels) and (detector, history) can be kept",
            where="dump_data",
            advice="give features as flow2features() made them, or a detector of plugin.netml",
        )


def load_data(in_file: str | Path | IO[bytes]) -> tuple[Any, Any]:
    """Read what :func:`dump_data`, ``halia learn`` or ``halia learn extract`` wrote.

    Returns:
        ``(features, labels)``, labels None where there are none; or ``(detector, history)``.

    Raises:
        DatasetError: a file that is no such file, or damaged; pickles are never read.
        ModelError: a folder that is no model, or one of another kind.
    """
    if not isinstance(in_file, str | Path):
        return _of_file(features_in(in_file, getattr(in_file, "name", "an open file")))
    path = Path(in_file)
    if not path.is_dir():
        return _of_file(read_features(path))
    from plugin.netml.detectors import of_model
    from plugin.offline.flow_scoring import load_flow_model

    model = load_flow_model(os.path.join(path, ""))  # noqa: PTH118 - with its separator: a path
    spec = Spec.read(model.manifest.spec) if model.manifest.spec else None
    return of_model(model, spec), dict(model.manifest.metrics)


def _of_file(found: Extracted) -> tuple[Features, NDArray[np.int64] | None]:
    whose = Whose(found.rows, found.captures)
    labels = None if found.labels is None else found.labels.astype(np.int64)
    return features(found.features, found.spec, whose=whose), labels


def _dump_features(rows: Features, labels: Any, out_file: str | Path | IO[bytes]) -> None:
    n = len(rows)
    if not n:
        raise DatasetError("there are no rows to keep")
    assert rows.spec is not None
    wide = rows.spec.dimension
    if rows.shape != (n, wide):
        raise DatasetError(f"rows of shape {rows.shape} are not all {wide} columns of the features")
    known = None if labels is None else np.asarray(labels)
    if known is not None and (known.shape != (n,) or not np.isin(known, (0, 1)).all()):
        raise DatasetError(f"labels are not {n} numbers 0 or 1")
    whose = rows.whose or Whose(np.zeros(n, ROW), UNKNOWN)
    found = Extracted(
        rows.spec,
        np.asarray(rows),
        None if known is None else known.astype(np.int8),
        whose.rows,
        whose.captures,
    )
    if not isinstance(out_file, str | Path):
        write_features(found, out_file)
        return
    path = Path(out_file)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as stream:
            write_features(found, stream)
        part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=str(path)) from error
    finally:
        part.unlink(missing_ok=True)


def _dump_model(
    detector: object, history: dict[str, Any], out_file: str | Path | IO[bytes]
) -> None:
    if not isinstance(out_file, str | Path):
        raise OptionError("a model is a folder: give a path", where="dump_data")
    from plugin.netml.detector import Detector

    if not isinstance(detector, Detector):
        raise OptionError(
            "only detectors of plugin.netml can be kept: there is no pickle here",
            where=type(detector).__name__,
        )
    model = getattr(detector, "model_", None)
    if model is None:
        raise ModelError("was not trained yet", where=detector.name or type(detector).__name__)
    spec = detector.spec_
    if spec is None:
        raise ModelError(
            "was trained on rows that do not tell how they were made",
            where=detector.name or type(detector).__name__,
            advice="train it on pcap.features, or on what load_data() gives, or parts of them",
        )
    wide = spec.dimension
    if wide != model.manifest.columns:
        raise ModelError(
            f"was trained on {model.manifest.columns} of {wide} columns: no other rows would fit",
            where=detector.name or type(detector).__name__,
            advice="train it on all columns of pcap.features",
        )
    path = Path(out_file)
    manifest = model.manifest._replace(
        name=name_of(path),
        metrics=dict(history),
        versions={"halia": plugin.__version__, "numpy": np.__version__},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    check_place(path, force=True)
    save_flow_model(model._replace(manifest=manifest), path, force=True)
