"""The page of :mod:`scripts.tables.netml_pairs`, as Markdown. Computes only."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from scripts.tables.netml_paired import mean, of_trial, short, signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from scripts.tables.netml_paired import Trial

_HEAD = """\
# Flow models beside netml's: figures

By `scripts/tables/netml_pairs.py`: {versions},
each algorithm with the options it has when nothing is said, on netml's own demo (demo.pcap with
the labels of demo.csv, from CIC-IDS-2017). Both sides have the same {flows} flows
({abnormal} abnormal), made by each from the packets and found to be the same; the same labels; and
the same {splits} splits, those of scikit-learn's `train_test_split` with `test_size` 0.33 and
`random_state` 0 to {last}: {learned} flows are learned, abnormal ones among them, {tested} are
tested. netml runs in a process of its own.

A difference is ours less netml's, split by split: above 0 is better than netml. Its interval
(95 %) is the corrected resampled t of Nadeau and Bengio 2003, as the splits share their rows. It
tells what other splits of these {flows} flows would give; they come from one capture of a few
machines, and nothing follows for other networks. `0`: equal on every split. Chance is .500 for
AUC and about {base} for the average precision.
"""


def page(
    trials: Sequence[Trial],
    float_times: Sequence[Trial],
    versions: Mapping[str, str],
    split: tuple[int, int],
    known: tuple[int, int],
) -> str:
    """Write the page.

    Args:
        trials: all of them.
        float_times: some of them again, our times rounded as netml's are.
        versions: what the other side ran on.
        split: flows tested and learned in each split.
        known: flows, and how many of them are abnormal.
    """
    (tested, learned), (flows, abnormal) = split, known
    ran = [one for one in trials if one.theirs_ran]
    splits = len(trials[0].theirs)
    head = _HEAD.format(
        versions=", ".join(f"{name} {number}" for name, number in sorted(versions.items())),
        flows=flows, abnormal=abnormal, tested=tested, learned=learned,
        splits=splits, last=splits - 1, base=short(abnormal / flows),
    )  # fmt: skip
    lines = [
        head,
        "## In short",
        "",
        *_short(ran, tested, learned),
        "",
        "## Each pair that netml runs",
        "",
        *_pairs(ran, tested, learned),
        "",
        "## netml's isolation forest is upside down",
        "",
        *_turned(ran),
        "",
        "## Times",
        "",
        *_times(trials, float_times, tested, learned),
        "",
        "## What netml does not run",
        "",
        *_others([one for one in trials if not one.theirs_ran]),
    ]
    return "\n".join(lines) + "\n"


def _short(trials: Iterable[Trial], tested: int, learned: int) -> Iterator[str]:
    """How many pairs of each algorithm are on which side."""
    counts: dict[str, Counter[str]] = {}
    sums: dict[str, list[float]] = {}
    for one in trials:
        found = of_trial(one, "auc", tested, learned)
        if found is not None:
            counts.setdefault(one.algorithm, Counter())[found.word] += 1
            sums.setdefault(one.algorithm, []).append(found.difference)
    yield (
        "| algorithm | pairs | AUC equal on every split | interval above 0 | holds 0 | below 0 |"
        " mean difference |"
    )
    yield "|---|---|---|---|---|---|---|"
    for name, count in counts.items():
        cells = [count[word] for word in ("equal", "above", "around", "below")]
        average = sum(sums[name]) / len(sums[name])
        yield _line([name, sum(cells), *cells, signed(average)])


def _pairs(trials: Iterable[Trial], tested: int, learned: int) -> Iterator[str]:
    yield (
        "| features | columns | algorithm | AUC: netml | ours | difference | average precision:"
        " netml | ours | difference |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for one in trials:
        cells: list[object] = [one.variant, one.columns, one.algorithm]
        for which in ("auc", "precision"):
            found = of_trial(one, which, tested, learned)
            if found is None:
                cells += [short(mean(one.theirs, which)), short(mean(one.ours, which)), "–"]
            else:
                cells += [short(found.theirs), short(found.ours), found]
        yield _line(cells)


def _turned(trials: Iterable[Trial]) -> Iterator[str]:
    """What netml's isolation forest would have, its scores turned round."""
    forests = [one for one in trials if one.algorithm == "IF"]
    yield (
        "PyOD's isolation forest already gives higher scores to what is more abnormal; netml 0.7.1"
        " turns them round once more, so its AUC is 1 less the forest's. So the differences above"
        " are those of a sign. Turned right, the forests compare so (mean over all splits):"
    )
    yield ""
    yield "| features | netml as it is | netml turned right | ours |"
    yield "|---|---|---|---|"
    for one in forests:
        theirs = mean(one.theirs, "auc")
        right = None if theirs is None else 1 - theirs
        yield _line([one.variant, short(theirs), short(right), short(mean(one.ours, "auc"))])


def _times(
    trials: Iterable[Trial], again: Iterable[Trial], tested: int, learned: int
) -> Iterator[str]:
    """What the rounding of netml's times does to STATS."""
    yield (
        "netml holds times as seconds since 1970 in 64-bit floats, which have a step of 238 ns;"
        " ours are exact. Packets and bytes a second of flows that last microseconds move by it, in"
        " STATS beyond all other columns. AUC, ours less netml's, with our times and with our times"
        " rounded as netml's:"
    )
    yield ""
    yield "| features | algorithm | exact times | rounded times |"
    yield "|---|---|---|---|"
    known = {(one.variant, one.algorithm): one for one in trials}
    for one in again:
        exact = of_trial(known[one.variant, one.algorithm], "auc", tested, learned)
        yield _line([one.variant, one.algorithm, exact, of_trial(one, "auc", tested, learned)])


def _others(trials: Sequence[Trial]) -> Iterator[str]:
    """What netml fails on, with a letter for each of its errors, and what we make of it."""
    errors = list(dict.fromkeys((one.their_errors or ("none told",))[0] for one in trials))
    letters = {error: chr(ord("a") + number) for number, error in enumerate(errors)}
    yield from (f"- **{letter}** {error}" for error, letter in letters.items())
    yield ""
    yield "| features | algorithm | netml's splits | its error | our AUC | our average precision |"
    yield "|---|---|---|---|---|---|"
    for one in trials:
        letter = letters[(one.their_errors or ("none told",))[0]]
        done = sum(score is not None for score in one.theirs)
        ours = [short(mean(one.ours, which)) for which in ("auc", "precision")]
        if one.our_errors:
            ours[0] += f" (fails too on {len(one.our_errors)} of {len(one.ours)} splits)"
        yield _line([one.variant, one.algorithm, f"{done} of {len(one.theirs)}", letter, *ours])


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
