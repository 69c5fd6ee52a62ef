"""netml's own answers, for :mod:`scripts.tables.netml_pairs`: run by the Python that has netml.

Usage: PYTHON -I netml_run.py PCAP LABELS.csv OUT.json [ALGORITHM …]

It imports nothing of Halia's: that Python need not have it. netml reads the capture, cuts and
labels the flows and makes its features; its detectors, with the options they have when nothing is
said, are fitted and tested on 20 splits made as netml's README makes one. OUT.json has

- ``flows``: of each row the five-tuple, its first packet's time in nanoseconds, and its packets;
- ``labels``: 1 = abnormal;
- ``tests``: of each split the rows that are tested (the others were learned);
- ``variants``: of each feature x fft x header its columns, or the error, and for each algorithm
  and split the AUC that netml's MODEL gives with the scores of the tested rows, or the error.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import itertools
import json
import sys
import warnings
from pathlib import Path
from typing import Any

FEATURES = ("IAT", "SIZE", "IAT_SIZE", "STATS", "SAMP_NUM", "SAMP_SIZE")
ALGORITHMS = {
    "OCSVM": ("netml.ndm.ocsvm", {}),
    "KDE": ("netml.ndm.kde", {}),
    "IF": ("netml.ndm.iforest", {"verbose": 0}),
    "GMM": ("netml.ndm.gmm", {}),
    "PCA": ("netml.ndm.pca", {}),
    "AE": ("netml.ndm.ae", {"verbose": 0}),
}
"""Name -> the module that has it, and options that only keep it quiet."""
SPLITS = range(20)
TESTED = 0.33


def main() -> None:
    """Ask netml everything, and write the file."""
    pcap_file, label_file, out, *wanted = sys.argv[1:]
    warnings.simplefilter("ignore")
    parser = importlib.import_module("netml.pparser.parser")
    pcap = parser.PCAP(pcap_file, flow_ptks_thres=2, random_state=42, verbose=0)
    pcap.pcap2flows(q_interval=0.9)
    pcap.label_flows(label_file=label_file)
    splits = [_split(len(pcap.labels), seed) for seed in SPLITS]
    variants = []
    for feature, fft, header in itertools.product(FEATURES, (False, True), (False, True)):
        found: dict[str, Any] = {"feature": feature, "fft": fft, "header": header}
        try:
            pcap.flow2features(feature, fft=fft, header=header)
        except Exception as error:  # noqa: BLE001 - whatever netml fails with is what is asked
            variants.append({**found, "error": _told(error)})
            continue
        found["columns"] = pcap.features.shape[1]
        found["algorithms"] = {
            name: _trial(name, pcap.features, pcap.labels, splits) for name in wanted or ALGORITHMS
        }
        variants.append(found)
        sys.stderr.write(f"netml: {feature} fft={fft} header={header}\n")
    document = {
        "versions": _versions(),
        "interval": float(pcap.interval),
        "flows": [_flow(*one) for one in pcap.flows],
        "labels": pcap.labels.tolist(),
        "tests": [test for _, test in splits],
        "variants": variants,
    }
    Path(out).write_text(json.dumps(document), encoding="utf-8")


def _trial(
    name: str, rows: Any, labels: Any, splits: list[tuple[list[int], list[int]]]
) -> dict[str, Any]:
    """One algorithm on all splits; an error of netml's ends it."""
    module, options = ALGORITHMS[name]
    found: dict[str, Any] = {"auc": [], "scores": [], "errors": []}
    for learned, tested in splits:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                detector = getattr(importlib.import_module(module), name)(**options)
                detector.name = name
                model = importlib.import_module("netml.ndm.model").MODEL(
                    detector, score_metric="auc", verbose=0, random_state=42
                )
                model.train(rows[learned])
                model.test(rows[tested], labels[tested])
                scores = detector.decision_function(rows[tested])
        except Exception as error:  # noqa: BLE001 - whatever netml fails with is what is asked
            found["errors"].append(_told(error))
            found["auc"].append(None)
            found["scores"].append(None)
            if isinstance(error, (ImportError, RuntimeError)):
                break  # it is not installed whole: no split changes that
        else:
            found["auc"].append(float(model.score))
            found["scores"].append([float(one) for one in scores])
    return found


def _split(n_rows: int, seed: int) -> tuple[list[int], list[int]]:
    """What netml's README does with the rows, done with their numbers."""
    from sklearn.model_selection import train_test_split

    learned, tested = train_test_split(list(range(n_rows)), test_size=TESTED, random_state=seed)
    return learned, tested


def _flow(key: tuple[Any, ...], packets: list[Any]) -> list[Any]:
    """Five-tuple, nanoseconds of the first packet (scapy's times are decimals), packets."""
    return [*key, int(packets[0].time * 10**9), len(packets)]


def _told(error: Exception) -> str:
    """The kind of an error and the first line of its text."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0].strip()}"


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("netml", "numpy", "pyod", "scapy", "scikit-learn")}


if __name__ == "__main__":
    main()
