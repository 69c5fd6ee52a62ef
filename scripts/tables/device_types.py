"""Tells 27 types of smart-home devices apart and prints the tables of it, as Markdown.

``python -m scripts.tables.device_types SHARED/data > docs/device-types.md``

Nested five-fold cross-validation by capture, two seeds: inner folds choose from the grid, outer
folds measure. One unit stands behind each type, so no fold can be by device: all figures here
know the unit. The classic vector, service shares and NetworkML's features with its recipe stand
beside on the same folds. Deterministic: the same data and libraries print the same figures.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.ml.features import host
from plugin.ml.proportion import of_groups
from scripts.tables.device_material import SETS, Data, load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Maker = Callable[[float, int], Any]

FOLDS, SEEDS = 5, (1, 2)
TREES = 300
SHARES = (0.03, 0.1, 0.3)
"""The grid of trees: share of columns that a split looks at. Leaves of one sample throughout."""
LAYERS = ((64, 32), (32, 16), (64, 32, 32), (64, 32, 32, 16))
"""NetworkML's own grid."""
ABLATION_SHARE, ABLATION_TREES = 0.3, 100
"""Not nested: one point of the grid for all ablations."""
CONTROL_SHARE = 0.1
"""The same for permuted labels."""
DRAWS = 2000
OFFICE = (
    "active directory controller",
    "workstation",
    "distributed file share",
    "printer",
)
SIBLINGS = {
    "D-Link sensors": ("DoorSensor", "Sensor", "Siren", "Switch", "WaterSensor", "HomeHub"),
    "D-Link cameras": ("Cam", "DayCam"),
    "TP-Link plugs": ("TP-LinkPlugHS100", "TP-LinkPlugHS110"),
    "Edimax plugs": ("EdimaxPlug1101W", "EdimaxPlug2101W"),
    "WeMo": ("WeMoInsightSwitch", "WeMoLink", "WeMoSwitch"),
    "Smarter": ("SmarterCoffee", "iKettle2"),
    "Hue": ("HueBridge", "HueSwitch"),
    "Edimax and Ednet cameras": ("EdimaxCam", "EdnetCam"),
}
"""Types of one maker that share a platform, by their names on the box."""


INTRODUCTION = """# Kinds of devices: figures

Made by `python -m scripts.tables.device_types SHARED/data`; the same data and versions of
scikit-learn and numpy give the same figures. The columns of `halia-host` are explained in
[features.md](features.md).

## {captures} captures of {types} types

Nested five-fold cross-validation by capture, two seeds: five inner folds choose the point of the
grid, outer folds measure. Trees: 300, of which a split looks at 3, 10 or 30 % of the columns;
NetworkML: its four layouts. Brackets: 95 % bootstrap over captures (exact where that has
no width). *Up to siblings*: an answer within the same group of the second table counts
as right. Permuted labels: one point, 10 %.

**These folds know the unit.** There is one physical unit of each type, so no fold can be by device,
and nothing here says how another unit, with other firmware or in another home, comes out.

NetworkML's features were computed by our code from its definitions, for all captures; its own
programme refuses about half of them. The classic windows are averaged where there are several.

Tried before, on these captures with other folds: the three points of the grid for both sets of
columns. The columns themselves were written down once and not changed for any figure; a block of
128 more (services by kind, with the number of peers) was tried on roles, found no better (22 to 27
of 40 right, `services` alone 28) and left out.
"""


class Outcome(NamedTuple):
    """Predictions of one way to tell types."""

    right: NDArray[np.bool_]
    """(n_seeds, n)"""
    answer: NDArray[np.str_]
    """(n_seeds, n)"""
    chosen: tuple[str, ...]
    """The grid's point of each outer fold."""


def extra_trees(share: float, seed: int, trees: int | None = None) -> Any:
    """Extremely randomised trees (Geurts, Ernst, Wehenkel 2006)."""
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(
        trees or TREES, max_features=share, class_weight="balanced", random_state=seed, n_jobs=1
    )


def forest(share: float, seed: int) -> Any:
    """A random forest (Breiman 2001)."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        TREES, max_features=share, class_weight="balanced", random_state=seed, n_jobs=1
    )


def networkml(layers: float, seed: int) -> Any:
    """NetworkML's recipe: standardised columns, scikit-learn's MLP as it comes."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    net = MLPClassifier(hidden_layer_sizes=LAYERS[int(layers)], random_state=seed)
    return make_pipeline(StandardScaler(), net)


def nested(
    rows: NDArray[np.float32],
    label: NDArray[np.str_],
    make: Maker,
    grid: Sequence[float],
    *,
    permute: bool = False,
) -> Outcome:
    """Outer folds measure what inner folds chose (most right, then first in the grid)."""
    from sklearn.model_selection import StratifiedKFold

    answers, chosen = [], []
    for seed in SEEDS:
        answer = label.copy()
        taught = np.random.default_rng(seed).permutation(label) if permute else label
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        for learn, test in folds.split(rows, label):
            best = _best(rows[learn], taught[learn], make, grid, seed)
            chosen.append(f"{best:g}")
            answer[test] = _fit(make(best, seed), rows[learn], taught[learn]).predict(rows[test])
        answers.append(answer)
    told = np.stack(answers)
    return Outcome(told == label, told, tuple(chosen))


def _best(
    rows: NDArray[np.float32],
    label: NDArray[np.str_],
    make: Maker,
    grid: Sequence[float],
    seed: int,
) -> float:
    from sklearn.model_selection import StratifiedKFold

    if len(grid) == 1:
        return grid[0]
    right = np.zeros(len(grid))
    for learn, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(rows, label):
        for k, point in enumerate(grid):
            fitted = _fit(make(point, seed), rows[learn], label[learn])
            right[k] += (fitted.predict(rows[test]) == label[test]).sum()
    return grid[int(right.argmax())]


def _fit(estimator: Any, rows: NDArray[np.float32], label: NDArray[np.str_]) -> Any:
    with warnings.catch_warnings():
        # Its recipe ends after 200 rounds, whether converged or not; small classes are known.
        warnings.simplefilter("ignore")
        return estimator.fit(rows, label)


fewer_trees = partial(extra_trees, trees=ABLATION_TREES)


def networks_left_out(
    rows: NDArray[np.float32], data: Data, share: float, seed: int
) -> NDArray[np.bool_]:
    """(n,) whether each role is told by what other networks taught."""
    right = np.zeros(len(data.label), np.bool_)
    for network in sorted(set(data.network)):
        test = data.network == network
        fitted = _fit(fewer_trees(share, seed), rows[~test], data.label[~test])
        right[test] = fitted.predict(rows[test]) == data.label[test]
    return right


def interval(right: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Mean, and a 95 % bootstrap interval that draws captures (each with both seeds).

    Where that has no width, the exact interval of a proportion.
    """
    of_capture = right.mean(axis=0)
    chance = np.random.default_rng(0)
    draws = chance.integers(0, len(of_capture), (DRAWS, len(of_capture)))
    low, high = np.quantile(of_capture[draws].mean(axis=1), (0.025, 0.975)).tolist()
    if high <= low:
        low, high = of_groups(float(of_capture.mean()), len(of_capture))
    return float(of_capture.mean()), low, high


def siblings_of(label: str) -> str:
    """The group of siblings that a type belongs to; itself if it has none."""
    for group, names in SIBLINGS.items():
        if label in names or (group.startswith("D-Link") and label.removeprefix("D-Link") in names):
            return group
    return label


def _figure(right: NDArray[np.bool_]) -> str:
    return "{:.3f} [{:.3f}, {:.3f}]".format(*interval(right))


def _table(head: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for line in lines:
        print("| " + " | ".join(map(str, line)) + " |")
    print()


WAYS: tuple[tuple[str, str, Maker, Sequence[float]], ...] = (
    ("`halia-host`, extra trees", SETS[0], extra_trees, SHARES),
    ("`halia-host-sent`, extra trees", SETS[1], extra_trees, SHARES),
    ("`service-ports`, forest", SETS[2], forest, SHARES),
    ("`networkml-4104-window`, forest", SETS[3], forest, SHARES),
    ("NetworkML 0.6.19's features, its recipe", SETS[4], networkml, range(len(LAYERS))),
)


def print_types(data: Data) -> None:
    """The main table, siblings, and errors."""
    outcomes = {
        name: nested(data.rows[rows], data.label, make, grid) for name, rows, make, grid in WAYS
    }
    names = list(outcomes)
    group = np.array([siblings_of(one) for one in data.label])
    lines = []
    for name, rows, _, grid in WAYS:
        one = outcomes[name]
        kin = np.array([[siblings_of(x) for x in told] for told in one.answer])
        counts = " + ".join(str(int(right.sum())) for right in one.right)
        width = data.rows[rows].shape[1]
        lines.append((name, width, len(grid), _figure(one.right), _figure(kin == group), counts))
    whole = data.rows[SETS[0]]
    control = nested(whole, data.label, extra_trees, [CONTROL_SHARE], permute=True)
    title = "`halia-host`, permuted labels"
    lines.append((title, whole.shape[1], 1, _figure(control.right), "", ""))
    print(INTRODUCTION.format(captures=len(data.label), types=len(set(data.label))))
    head = (
        "features and algorithm",
        "columns",
        "grid",
        "accuracy",
        "right up to siblings",
        "right by seed",
    )
    _table(head, lines)
    print("## Siblings\n\nAccuracy within groups of siblings, both seeds:\n")
    inside = [
        (
            kin,
            int((group == kin).sum()),
            *(f"{outcomes[n].right[:, group == kin].mean():.3f}" for n in names),
        )
        for kin in SIBLINGS
        if (group == kin).any()
    ]
    alone = ~np.isin(group, list(SIBLINGS))
    others = (f"{outcomes[n].right[:, alone].mean():.3f}" for n in names)
    inside.append(("all others", int(alone.sum()), *others))
    _table(("siblings", "captures", *names), inside)
    print("Every error of `halia-host`, over both seeds:\n")
    one = outcomes[names[0]]
    wrong = [
        f"{true} → {answer}"
        for told, right in zip(one.answer, one.right, strict=True)
        for true, answer in zip(data.label[~right], told[~right], strict=True)
    ]
    counted = sorted({(-wrong.count(w), w) for w in wrong})
    _table(("true type → answer", "captures"), [(w, -n) for n, w in counted])


ABLATIONS = """## Ablations of `{name}`

Without some of its columns, and with them alone: 100 extra trees, of which a split looks at 30 % of
the columns; not nested; the folds and seeds of above. Types: accuracy by capture, so of the same
unit. Roles: right ones of {roles}, by seed, each of {networks} networks left out. In italics:
several groups.
"""
SUBJECTS = {
    "*lengths*": ("sizes", "kind_sizes", "openings"),
    "*timing*": ("gaps", "kind_gaps", "rates", "turns"),
    "*beginning*": ("first", "order"),
    "*stack*": ("ttl", "ip", "tcp", "syn", "ports"),
    "*peers and link*": ("peers", "link", "arp", "icmpv6"),
    "*sessions and balance*": ("sessions", "balance"),
    "*what a recording decides*": (
        *("first", "order", "gaps", "kind_gaps", "rates", "ttl"),
        *("sessions", "turns", "balance"),
    ),
}
"""Groups of columns that are also looked at together; the last is what begin, length and place of a
recording decide."""


def cuts_of() -> dict[str, tuple[int, ...]]:
    """What is left out or looked at alone: columns of ``halia-host``."""
    groups, names = host.groups(), [column.name for column in host.columns()]
    cuts = dict(groups)
    for subject, parts in SUBJECTS.items():
        cuts[subject] = tuple(k for group in parts for k in groups[group])
    received = (k for k, name in enumerate(names) if name.startswith("received_"))
    return {"nothing": ()} | cuts | {"*received packets*": tuple(received)}


def print_ablations(types: Data, roles: Data) -> None:
    """What groups of columns are worth, for types (same unit) and roles (other networks)."""
    name, every = SETS[0], np.arange(len(host.columns()))
    networks = len(set(roles.network))
    print(ABLATIONS.format(name=name, roles=len(roles.label), networks=networks))
    head = ("columns of", "number", "types without", "roles without", "types alone", "roles alone")
    lines = []
    for subject, numbers in cuts_of().items():
        cells: list[object] = [subject, len(numbers)]
        for chosen in (np.setdiff1d(every, numbers), np.array(numbers, np.int64)):
            cells += _worth(types, roles, name, chosen) if len(chosen) else ("", "")
        lines.append(cells)
        print(*cells, sep=" | ", file=sys.stderr, flush=True)
    _table(head, lines)


def _worth(types: Data, roles: Data, name: str, chosen: NDArray[np.int64]) -> tuple[str, str]:
    rows = types.rows[name][:, chosen]
    told = nested(rows, types.label, fewer_trees, [ABLATION_SHARE])
    others = roles.rows[name][:, chosen]
    right = [networks_left_out(others, roles, ABLATION_SHARE, seed) for seed in SEEDS]
    return f"{told.right.mean():.3f}", " + ".join(str(int(one.sum())) for one in right)


def main() -> None:
    """Read, learn, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("root", type=Path, help="the folder that holds labels.csv")
    parser.add_argument("--only", choices=("types", "ablations"), help="one part of it")
    args = parser.parse_args()
    types = load(args.root, "devices/iot-sentinel/", "label")
    if args.only != "ablations":
        print_types(types)
    if args.only != "types":
        office = load(args.root, "devices/enterprise/", "role12")
        named = [next((role for role in OFFICE if role in label), "") for label in office.label]
        office, kept = office._replace(label=np.array(named)), np.array(named) != ""
        roles = Data(
            {k: v[kept] for k, v in office.rows.items()}, office.label[kept], office.network[kept]
        )
        print_ablations(types, roles)


if __name__ == "__main__":
    main()
