"""Grid search over features, algorithms and options: every trial somewhere, each only once.

The trials of one feature run together; their result is noted in a file as it comes, under a digest
of all that it follows from. A search that was broken off goes on from there, and one with more
options does only what is new.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.errors import InputError, OutputError, PeerError
from plugin.flows.variant import Variant
from plugin.ml.flow_search import (
    SPLITS,
    TEST_SIZE,
    Labelled,
    Standing,
    Tried,
    attempt,
    ranked,
    trials,
)
from plugin.offline.dask_spread import versions
from plugin.offline.flow_batch import extract_many
from plugin.offline.flow_parts import key_of
from plugin.offline.spread import Lost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from plugin.ml.flow_search import Point, Trial
    from plugin.offline.flow_batch import Place
    from plugin.offline.flow_files import Extracted
    from plugin.offline.flow_learning import Input, Wanted

NOTES = "search.jsonl"
"""In the folder of a :class:`plugin.offline.flow_batch.Place`."""


class Plan(NamedTuple):
    """What is searched."""

    variants: Sequence[Variant]
    points: Sequence[Point]
    splits: int = SPLITS
    seed: int = 42
    """Of the first split, the others count on; and of what algorithms draw."""
    test_size: float = TEST_SIZE


class Searched(NamedTuple):
    """What came of it, the best first."""

    standings: tuple[Standing, ...]
    plan: Plan

    @property
    def best(self) -> tuple[Variant, Point]:
        """The point with the largest mean area.

        Raises:
            InputError: none has an area.
        """
        first = self.standings[0]
        if not len(first.aucs):
            raise InputError(f"no algorithm could be tested; the first: {first.reason}")
        return Variant.read(first.feature), first.point

    def document(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "splits": self.plan.splits,
            "seed": self.plan.seed,
            "test_size": self.plan.test_size,
            "points": [
                {
                    "feature": one.feature,
                    "algorithm": one.point.algorithm,
                    "options": dict(one.point.options),
                    "auc": [tried.auc for tried in one.tried],
                    "mean": one.mean if len(one.aucs) else None,
                    "reason": one.reason or None,
                }
                for one in self.standings
            ],
        }

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """For a table: feature, algorithm, mean area, its spread over the splits, what failed."""
        return [
            (
                one.feature,
                one.point.name,
                f"{one.mean:.3f}" if len(one.aucs) else "-",
                f"{one.spread:.3f}" if len(one.aucs) > 1 else "-",
                one.reason and f"{len(one.tried) - len(one.aucs)} failed: {one.reason}",
            )
            for one in self.standings
        ]


def search(
    inputs: Iterable[Input],
    wanted: Wanted,
    plan: Plan,
    place: Place,
    *,
    mapping: Path | None = None,
    warn: Callable[[str], None] | None = None,
) -> Searched:
    """Extract each feature of labelled captures, and try every point on it.

    Args:
        inputs: captures, all labelled.
        wanted: options of flows; feature, fft and header are those of the plan.
        plan: what to try.
        place: where to do it; parts and results are kept in its folder.
        mapping: how to read files of labels that are no known format.
        warn: called with what was not as it should be.

    Raises:
        InputError: there are no flows, no labels, or labels of one kind only.
        PeerError: the cluster is away, or lost a trial for good.
    """
    inputs = list(inputs)
    if not any(given.labels is not None or given.label is not None for given in inputs):
        raise _no_labels()
    found: list[Standing] = []
    for variant in plan.variants:
        choice = wanted._replace(**variant._asdict())
        batch = extract_many(inputs, choice, place, mapping=mapping, warn=warn)
        warn = None  # the same captures are read each time
        found += try_all(variant.name, batch.extracted(), plan, place)
    return Searched(tuple(ranked(found)), plan)


def try_all(name: str, extracted: Extracted, plan: Plan, place: Place) -> list[Standing]:
    """Try every point on one feature.

    Args:
        name: what the feature is called in results.
        extracted: labelled flows.
        plan: what to try.
        place: where to do it; results are kept in its folder, which exists.

    Raises:
        InputError: there are no labels, or of one kind only.
        PeerError: the cluster is away, or lost a trial for good.
    """
    labels = extracted.labels
    if labels is None:
        raise _no_labels()
    if len(np.unique(labels)) == 1:
        kind = "abnormal" if labels[0] else "normal"
        raise InputError(f"all {len(labels)} flows are {kind}: there is nothing to tell apart")
    flows = Labelled(extracted.features, labels, plan.test_size)
    notes = _Notes(place.folder / NOTES, _digest(flows))
    todo = trials(plan.points, plan.splits, plan.seed)
    known = notes.known()
    fresh = [trial for trial in todo if notes.key(trial) not in known]
    found = place.spread.map(attempt, fresh, flows)
    label = f"trials of {name}"
    for trial, result in zip(fresh, place.track(found, len(fresh), label), strict=True):
        if isinstance(result, Lost):
            where = f"{name}, {trial.point.name}"
            raise PeerError(result.reason, where=where, advice="leave it out, or give more memory")
        known[notes.key(trial)] = result
        notes.add(trial, result)
    tried = [known[notes.key(trial)] for trial in todo]
    return [
        Standing(name, point, tuple(tried[k * plan.splits : (k + 1) * plan.splits]))
        for k, point in enumerate(plan.points)
    ]


@dataclass(frozen=True, slots=True)
class _Notes:
    """Results of trials in a file, a line each."""

    path: Path
    digest: str
    """Of the flows."""

    def key(self, trial: Trial) -> str:
        """What a result follows from."""
        return key_of(self.digest, versions(), trial.document())

    def known(self) -> dict[str, Tried]:
        """All that earlier runs have noted; a line that was not written to its end is nothing."""
        found = {}
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._wrong("read", error) from error
        for line in lines:
            try:
                told: Mapping[str, Any] = json.loads(line)
                auc = told["auc"]
                found[str(told["key"])] = Tried(
                    None if auc is None else float(auc), str(told["reason"])
                )
            except (ValueError, KeyError, TypeError):
                continue
        return found

    def add(self, trial: Trial, result: Tried) -> None:
        """Note one result.

        Raises:
            OutputError: it cannot be written.
        """
        line = json.dumps({"key": self.key(trial), "auc": result.auc, "reason": result.reason})
        try:
            with self.path.open("a", encoding="utf-8") as stream:
                # A line of its own, even behind one that a crash has cut.
                stream.write(f"\n{line}\n")
        except OSError as error:
            raise self._wrong("written", error) from error

    def _wrong(self, what: str, error: Exception) -> OutputError:
        said = getattr(error, "strerror", None) or str(error)
        return OutputError(f"cannot be {what}: {said}", where=str(self.path))


def _no_labels() -> InputError:
    return InputError(
        "a search measures with labels, and there are none",
        advice="give --label, or --pcap-normal and --pcap-abnormal",
    )


def _digest(flows: Labelled) -> str:
    """Of the flows and how they are parted."""
    found = sha256(json.dumps([flows.rows.shape, flows.test_size]).encode())
    found.update(np.ascontiguousarray(flows.rows).data)
    found.update(np.ascontiguousarray(flows.labels).data)
    return found.hexdigest()
