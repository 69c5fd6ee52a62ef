"""Features of flows of thousands of captures: spread over processes, resumable, in bounded memory.

The result is that of :func:`plugin.offline.flow_learning.extract`, bit for bit, where each capture
stands alone (a flow that goes on in the next file is two flows). What all captures decide together
takes three passes over them: durations give the interval, the parts of flows give the width of a
row, and then there are rows. What each pass found of a capture is a file in a folder: memory holds
the captures in work and nothing of the others, and a run that was broken off goes on from there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from plugin.capture.source import STDIN, find_captures
from plugin.errors import InputError, OptionError, OutputError, nearest
from plugin.flows.cut import MIN_PACKETS, check_choice, check_quantile, check_timeouts
from plugin.flows.quantile import quantile
from plugin.flows.spec import FEATURES, PACKETS_MAX, SAMPLED, SAMPLING_QUANTILE, Spec
from plugin.ml.crossval import Track, silent
from plugin.offline import flow_parts
from plugin.offline.flow_files import Extracted, joined, read_features
from plugin.offline.flow_learning import read_labels, without_flows, without_label
from plugin.offline.flow_passes import (
    Bad,
    Measured,
    Stage,
    labelled_parts,
    rows_of_parts,
    whole_flows,
)
from plugin.offline.spread import Here, Lost, Spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from plugin.offline.flow_learning import Input, Wanted

R = TypeVar("R")


class Place(NamedTuple):
    """Where the work is done and what is done of it is kept, and who watches."""

    folder: Path
    """Of the parts; those of an earlier run that still hold are taken."""
    spread: Spread = Here()
    """Every process reads the captures by their names."""
    track: Track = silent


class Batch(NamedTuple):
    """Features of many captures, each in a file."""

    spec: Spec
    files: tuple[Path, ...]
    """One for each capture that has rows, in order of the captures."""
    flows: int
    """Rows in all of them."""
    left_out: tuple[tuple[Path, str], ...]
    """Captures that could not be read, and why."""

    def extracted(self) -> Extracted:
        """All of them as one, which takes the memory of all.

        Raises:
            DatasetError: a file is damaged.
        """
        return joined([read_features(path) for path in self.files])


def extract_many(
    inputs: Iterable[Input],
    wanted: Wanted,
    place: Place,
    *,
    mapping: Path | None = None,
    warn: Callable[[str], None] | None = None,
) -> Batch:
    """Make features of each capture.

    Args:
        inputs: captures and folders of captures; all labelled, or none.
        wanted: options.
        place: where to do it.
        mapping: how to read files of labels that are no known format.
        warn: called with each capture that was left out or not read to its end, and with damaged
            lines of labels.

    Raises:
        InputError: no capture could be read, or there are no flows, or labels match none.
        OptionError: an option out of its range; standard input.
        OutputError: the folder cannot be written to.
        PeerError: the cluster is away.
    """
    run = _Run(place, Stage(_checked(wanted), mapping), _captures(inputs))
    # Labels first: a file that is wrong is told before captures are read for it.
    files_of_labels = dict.fromkeys(given.labels for given in run.given)
    doubts = [
        said for path in files_of_labels if path for said in read_labels(path, mapping).problems
    ]
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot be made: {error.strerror}", where=str(place.folder)) from error
    if wanted.interval is None:
        whole = run.measure("durations", whole_flows)
        run.want(interval=run.quantile(whole, "durations", wanted.q))
    parts = run.measure("parts", labelled_parts)
    run.stage = run.stage._replace(spec=_planned(run, parts))
    files, flows = run.rows(parts)
    told = [said for path in parts.values() for said in flow_parts.document(path)["problems"]]
    left_out = (f"{path}: {why}" for path, why in run.bad.items())
    counts = {k: flow_parts.document(path)["flows"] for k, path in parts.items()}
    labelled = sum(len(flow_parts.column(path, "counts")) for path in parts.values())
    some = without_label(sum(counts.values()), labelled)
    none = without_flows([run.given[k].path for k, n in counts.items() if not n], wanted)
    for said in dict.fromkeys([*doubts, *told, *left_out, *none, *some]):
        if warn is not None:
            warn(said)
    assert run.stage.spec is not None
    return Batch(run.stage.spec, files, flows, tuple(run.bad.items()))


@dataclass(slots=True)
class _Run:
    """The passes over the captures."""

    place: Place
    stage: Stage
    given: list[Input]
    bad: dict[Path, str] = field(default_factory=dict)
    """Captures that are left out, and why."""

    def want(self, *, interval: float) -> None:
        """Decide what all captures are cut by."""
        self.stage = self.stage._replace(wanted=self.stage.wanted._replace(interval=interval))

    def measure(
        self, name: str, function: Callable[[Stage, Input], Measured | Bad]
    ) -> dict[int, Path]:
        """Make one pass; give the part of each capture, by its number."""

        def keep(path: Path, found: Measured) -> None:
            said = {"flows": found.flows, "problems": list(found.problems)}
            flow_parts.keep_columns(path, said, found.durations, found.counts)

        return self._pass(name, function, range(len(self.given)), keep)

    def rows(self, parts: Mapping[int, Path]) -> tuple[tuple[Path, ...], int]:
        """Make the last pass over captures that have parts; give files, and rows in all of them."""
        counts = {k: len(flow_parts.column(path, "counts")) for k, path in parts.items()}
        having = [k for k, n in counts.items() if n]
        files = self._pass("rows", rows_of_parts, having, flow_parts.keep)
        return tuple(files.values()), sum(counts[k] for k in files)

    def quantile(self, parts: Mapping[int, Path], name: str, q: float) -> float:
        """A quantile of one column of all parts together.

        Raises:
            InputError: it has no numbers.
        """

        def blocks() -> Iterator[NDArray[Any]]:
            return (flow_parts.column(path, name) for path in parts.values())

        if not any(len(block) for block in blocks()):
            raise self.nothing(parts)
        return quantile(blocks, q)

    def nothing(self, parts: Mapping[int, Path]) -> InputError:
        """Say why there is nothing to learn from."""
        n = len(self.given)
        if len(self.bad) == n:
            path, why = next(iter(self.bad.items()))
            more = f", and so with {n - 1} more" if n > 1 else ""
            return InputError(f"{why}{more}", where=str(path))
        flows = sum(flow_parts.document(path)["flows"] for path in parts.values())
        if flows:
            said = f"the labels match none of the {flows} flows of {len(parts)} captures"
            advice = "they belong to other captures, or name the other direction"
            return InputError(said, where=str(self.given[0].labels), advice=advice)
        least = max(MIN_PACKETS, self.stage.wanted.min_packets)
        return InputError(
            f"{len(parts)} captures have no TCP or UDP flow of {least} packets in one direction",
            where=str(self.given[0].path),
            advice="give captures with more traffic",
        )

    def _pass(
        self,
        name: str,
        function: Callable[[Stage, Input], R | Bad],
        numbers: Iterable[int],
        keep: Callable[[Path, R], None],
    ) -> dict[int, Path]:
        places = {k: path for k in numbers if (path := self._place(name, k)) is not None}
        todo = [k for k, path in places.items() if not flow_parts.is_done(path)]
        found = self.place.spread.map(function, (self.given[k] for k in todo), self.stage)
        label = f"captures ({name})"
        for k, result in zip(todo, self.place.track(found, len(todo), label), strict=True):
            if isinstance(result, Bad | Lost):
                self.bad[self.given[k].path] = result.reason
                del places[k]
            else:
                keep(places[k], result)
        return places

    def _place(self, name: str, k: int) -> Path | None:
        """Where a part is, or will be; None for a capture that is left out."""
        given, wanted = self.given[k], self.stage.wanted
        if given.path in self.bad:
            return None
        facts: list[object] = [name, wanted.min_packets, wanted.timeouts, wanted.last]
        try:
            facts.append(flow_parts.state_of(given.path))
            if name != "durations":
                files = (given.labels, self.stage.mapping)
                facts += [flow_parts.state_of(path) for path in files if path is not None]
                facts += [wanted.interval, given.label]
        except OSError as error:
            self.bad[given.path] = f"cannot be read: {error.strerror}"
            return None
        if name == "rows" and self.stage.spec is not None:
            facts.append(self.stage.spec.document())
        suffix = "dat" if name == "rows" else "part"
        return self.place.folder / f"{name}-{flow_parts.key_of(*facts)}.{suffix}"


def _planned(run: _Run, parts: Mapping[int, Path]) -> Spec:
    """What :func:`plugin.flows.spec.plan` decides, from parts that are not in memory together.

    Raises:
        InputError: there are no parts, or windows would have no length.
    """
    wanted = run.stage.wanted
    assert wanted.interval is not None
    packets = math.floor(run.quantile(parts, "counts", wanted.q))
    window = None
    if wanted.feature in SAMPLED:
        window = wanted.sampling or run.quantile(parts, "durations", SAMPLING_QUANTILE)
        if not window:
            raise InputError(
                "the sampling window would be 0 s: too many flows have all packets at one time",
                advice="give the sampling window in seconds, or use another feature",
            )
    return Spec(
        feature=wanted.feature,
        fft=wanted.fft,
        header=wanted.header,
        packets=min(packets, PACKETS_MAX),
        interval=float(wanted.interval),
        sampling=window,
        q=wanted.q,
        min_packets=wanted.min_packets,
        timeouts=wanted.timeouts,
        last=wanted.last,
    )


def _captures(inputs: Iterable[Input]) -> list[Input]:
    """Inputs with folders replaced by the captures in them.

    Raises:
        OptionError: standard input, or some have labels and others not.
        InputError: there are none.
    """
    found = [given._replace(path=path) for given in inputs for path in find_captures([given.path])]
    if not found:
        raise InputError("no capture was named")
    if any(given.path == STDIN for given in found):
        raise OptionError(
            "standard input is read once, and captures are read in several passes",
            advice="give files or folders",
        )
    labelled = [given.labels is not None or given.label is not None for given in found]
    if any(labelled) and not all(labelled):
        raise OptionError(
            "has no labels, and others have",
            where=str(found[labelled.index(False)].path),
            advice="label all captures or none",
        )
    return found


def _checked(wanted: Wanted) -> Wanted:
    """Options that can be meant, told before any work.

    Raises:
        OptionError: one is out of its range.
    """
    check_quantile(wanted.q)
    check_choice(wanted.min_packets, wanted.last)
    check_timeouts(wanted.timeouts)
    if wanted.feature not in FEATURES:
        known = nearest(wanted.feature, FEATURES)
        raise OptionError(f"there is no feature {wanted.feature!r}{known}")
    for name in ("interval", "sampling"):
        value = getattr(wanted, name)
        if value is not None and not 0 <= value < math.inf:
            raise OptionError(f"{value!r} s is no {name}", advice="give a number above 0")
    return wanted
