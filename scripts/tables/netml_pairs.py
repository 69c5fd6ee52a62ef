"""Print docs/netml-figures.md: our AUC less netml's, for all features and algorithms of netml.

    HALIA_NETML=PYTHON python -m scripts.tables.netml_pairs --shared DIR > docs/netml-figures.md

PYTHON is one that has netml 0.7.1 (:mod:`scripts.tables.netml_run` is run by it), DIR holds
netml's demo in netml/. ``--kept FILE.json`` keeps netml's answers for a second run. Both have the
same flows in the same order, the same labels and the same 20 splits; whatever is not the same ends
the run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.addresses import address_text
from plugin.errors import InputError
from plugin.flows.cut import cut, interval
from plugin.flows.features import matrix
from plugin.flows.labels import match
from plugin.flows.records import NANO, Flows
from plugin.flows.spec import plan
from plugin.ml.novelty.fitted import fit
from plugin.ml.roc import curve
from plugin.offline.flow_labels import read_labels
from plugin.offline.flows import read_flows
from scripts.tables import netml_words as words
from scripts.tables.netml_paired import Score, Trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from plugin.flows.spec import Spec

THEIRS = Path(__file__).with_name("netml_run.py")
ALGORITHMS = ("OCSVM", "KDE", "IF", "GMM", "PCA", "AE")
SEED = 42
"""netml's own."""
_SAME = 1e-9


class Common(NamedTuple):
    """What both sides judge."""

    flows: Flows
    interval: float
    labels: NDArray[np.int64]
    tests: Sequence[Sequence[int]]
    """Of each split, the rows that are tested, as they were drawn."""


def main() -> int:
    """Run both sides and write the page to standard output."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shared", type=Path, required=True, help="folder with netml/demo.pcap")
    parser.add_argument("--kept", type=Path, help="file for netml's answers")
    args = parser.parse_args()
    pcap, labels = (args.shared / "netml" / f"demo.{end}" for end in ("pcap", "csv"))
    theirs = their_answers(pcap, labels, args.kept)
    common = common_of(theirs, pcap, labels)
    trials = list(trials_of(theirs, common))
    stats = [one for one in theirs["variants"] if one["feature"] == "STATS"]
    float_times = list(
        trials_of(
            {"variants": stats},
            common._replace(flows=rounded(common.flows)),
            ("KDE", "OCSVM", "PCA"),
        )
    )
    split = (len(common.tests[0]), len(common.labels) - len(common.tests[0]))
    known = (len(common.labels), int(common.labels.sum()))
    sys.stdout.write(words.page(trials, float_times, theirs["versions"], split, known))
    return 0


def their_answers(pcap: Path, labels: Path, kept: Path | None) -> dict[str, Any]:
    """What netml_run.py writes: kept from before, or by running it.

    Raises:
        SystemExit: there is no Python with netml.
    """
    if kept is not None and kept.exists():
        return dict(json.loads(kept.read_text("utf-8")))
    python = os.environ.get("HALIA_NETML")
    if not python:
        raise SystemExit("HALIA_NETML must name a Python that has netml 0.7.1")
    with tempfile.TemporaryDirectory() as folder:
        out = kept or Path(folder) / "netml.json"
        subprocess.run([python, "-I", THEIRS, pcap, labels, out], check=True)
        return dict(json.loads(out.read_text("utf-8")))


def common_of(theirs: Mapping[str, Any], pcap: Path, labels: Path) -> Common:
    """Our flows, brought into netml's order.

    Raises:
        SystemExit: they are not the same flows, or not of the same labels.
    """
    read = read_flows([pcap], last="drop").flows
    length = interval(read)
    parts = cut(read, length, last="drop")
    known = match(parts, read_labels(labels).labels)
    parts, mine = parts.take(known >= 0), known[known >= 0]
    order = aligned(keys_of(parts), [tuple(one) for one in theirs["flows"]])
    told = np.array(theirs["labels"], np.int64)
    if not np.array_equal(mine[order], told):
        raise SystemExit(f"{int((mine[order] != told).sum())} flows have other labels than netml's")
    return Common(parts.take(order), length, told, theirs["tests"])


def aligned(
    ours: Sequence[tuple[Any, ...]], theirs: Sequence[tuple[Any, ...]]
) -> NDArray[np.int64]:
    """(n,) where in ours each of theirs is.

    Raises:
        SystemExit: one side has a flow that the other has not.
    """
    place = {key: number for number, key in enumerate(ours)}
    if len(place) != len(ours) or set(place) != set(theirs) or len(ours) != len(theirs):
        lost, more = sorted(set(theirs) - set(place)), sorted(set(place) - set(theirs))
        raise SystemExit(f"other flows than netml's; only netml's: {lost}; only ours: {more}")
    return np.array([place[key] for key in theirs], np.int64)


def keys_of(flows: Flows) -> list[tuple[Any, ...]]:
    """Five-tuple, nanoseconds of the first packet, packets: what tells flows apart."""
    return [
        (
            address_text(key["src_ip"].tobytes()),
            address_text(key["dst_ip"].tobytes()),
            int(key["src_port"]),
            int(key["dst_port"]),
            int(key["proto"]),
            int(flows.time[start]),
            int(count),
        )
        for key, start, count in zip(flows.keys, flows.starts, flows.counts(), strict=False)
    ]


def rounded(flows: Flows) -> Flows:
    """The same flows with times as netml has them: seconds since 1970 as 64-bit floats.

    Such a float has a step of 238 ns today; ours are exact.
    """
    seconds = flows.time / NANO
    since = np.round((seconds - seconds.min()) * NANO).astype(np.int64)
    return Flows(
        flows.keys, flows.starts, flows.time.min() + since, flows.size, flows.ttl, flows.flags
    )


def trials_of(
    theirs: Mapping[str, Any], common: Common, algorithms: Sequence[str] = ALGORITHMS
) -> Iterator[Trial]:
    """Every algorithm on every kind of features."""
    for variant in theirs["variants"]:
        feature, fft, header = variant["feature"], variant["fft"], variant["header"]
        spec = plan(
            common.flows, feature, interval=common.interval, fft=fft, header=header, last="drop"
        )
        rows = matrix(common.flows, spec)
        answers = variant.get("algorithms", {})
        _same_width(spec, variant)
        for algorithm in algorithms:
            found = answers.get(algorithm, {"auc": [], "scores": [], "errors": ["not asked"]})
            told = _filled(found, len(common.tests))
            ours, errors = our_scores(algorithm, rows, common)
            yield Trial(
                feature, fft, header, spec.dimension, algorithm,
                tuple(their_score(*one, common) for one in told), ours,
                (variant["error"],) if "error" in variant else tuple(found["errors"]), errors,
            )  # fmt: skip
        sys.stderr.write(f"ours: {feature} fft={fft} header={header}\n")


def _same_width(spec: Spec, variant: Mapping[str, Any]) -> None:
    if variant.get("columns", spec.dimension) != spec.dimension:
        raise SystemExit(f"{spec.feature}: {spec.dimension} columns, netml {variant['columns']}")


def _filled(
    found: Mapping[str, Any], splits: int
) -> list[tuple[int, float | None, list[float] | None]]:
    """Number, AUC and scores of each split, None for those that were given up."""
    rest = [None] * (splits - len(found["auc"]))
    return list(zip(range(splits), [*found["auc"], *rest], [*found["scores"], *rest], strict=True))


def their_score(
    split: int, auc: float | None, scores: list[float] | None, common: Common
) -> Score | None:
    """Give netml's AUC, and the average precision of its scores; None if it failed.

    Raises:
        SystemExit: our area under its scores is another than its own.
    """
    if auc is None or scores is None:
        return None
    found = score_of(common.labels[common.tests[split]], np.array(scores))
    if abs(found.auc - auc) > _SAME:
        raise SystemExit(f"split {split}: netml's AUC is {auc}, of its scores we find {found.auc}")
    return found


def our_scores(
    algorithm: str, rows: NDArray[np.float64], common: Common
) -> tuple[tuple[Score | None, ...], tuple[str, ...]]:
    """Our algorithm on every split, with the options it has when nothing is said."""
    scores: list[Score | None] = []
    errors = []
    for tested in common.tests:
        learned = np.setdiff1d(np.arange(len(rows)), tested)
        try:
            scorer = fit(algorithm, {}, rows[learned], SEED)
            scores.append(score_of(common.labels[tested], scorer.score(rows[tested])))
        except (InputError, ValueError) as error:
            scores.append(None)
            errors.append(str(error))
    return tuple(scores), tuple(errors)


def score_of(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> Score:
    """Both areas of one split."""
    found = curve(labels, scores)
    if found is None:
        raise SystemExit("a split has flows of one kind only")
    return Score(found.auc, found.average_precision)


if __name__ == "__main__":
    raise SystemExit(main())
