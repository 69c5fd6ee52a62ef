"""Roles of office devices, one network left out at a time; prints the tables of it, as Markdown.

``python -m scripts.tables.roles SHARED/data > docs/roles.md``

Every way is tested on the same folds: each network that has a role's capture is left out once, and
the one that most background comes from; whatever is chosen (options, algorithm, temperature,
thresholds) is chosen on inner folds by network. Deterministic.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.crossval import Fold, Work, nested
from plugin.ml.evaluate import Context, Evaluation, evaluation, majority_of_folds, permuted
from plugin.ml.model import UNKNOWN
from plugin.ml.train import fit, predict
from plugin.offline.fitting import parts_of
from plugin.offline.read import read_capture
from scripts.tables import networkml_features
from scripts.tables.device_types import LAYERS, networkml
from scripts.tables.recipes import (
    BOOSTED,
    BOTH,
    NET,
    TREES,
    listing,
    material,
    recipe,
    share,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from plugin.ml.algorithms import Options
    from plugin.ml.train import Recipe
    from plugin.offline.fitting import Parts

CLASSIC: Options = (("trees", 100), ("leaf", 1), ("share", 0.03))
WAYS: tuple[tuple[str, Recipe, bool], ...] = (
    ("`service-ports`, extra trees", recipe("trees", "service-ports", folds=3), True),
    ("`service-ports`, forest", recipe("forest", "service-ports", TREES, folds=3), True),
    ("`service-ports`, boosting", recipe("boosting", "service-ports", BOOSTED, folds=3), True),
    ("`service-ports`, MLP(32)", recipe("net", "service-ports", NET, folds=3), True),
    ("the same, no background", recipe("net", "service-ports", NET, folds=3), False),
    ("`service-ports`, net and trees", recipe("ensemble", "service-ports", BOTH, folds=3), True),
    ("`halia-host`, extra trees", recipe("trees", "halia-host", TREES, folds=3), True),
    ("`halia-host-sent`, extra trees", recipe("trees", "halia-host-sent", TREES, folds=3), True),
)
"""Name, recipe, whether devices of no role are learned as background."""
PEER = "`networkml-4104`, forest, no background", recipe("forest", "networkml-4104", CLASSIC)
"""As the classic code did it: no background, nothing that could be unknown."""
HEAD = (
    "way",
    "points tried",
    "right",
    "accuracy",
    "majority",
    "permuted",
    "known",
    "right of these",
    "background not known",
)


class Told(NamedTuple):
    """What a way came to."""

    name: str
    result: Evaluation


def main() -> None:
    """Read, learn, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("root", type=Path, help="the folder that holds devices/")
    parser.add_argument("--only", help="ways whose name holds this")
    args = parser.parse_args()
    # NetworkML's recipe ends after 200 rounds, whether converged or not.
    warnings.filterwarnings("ignore", message="Stochastic Optimizer")
    told = []
    for name, made, background in WAYS:
        if not args.only or args.only in name:
            told.append(Told(name, _test(args.root, name, made, background=background)))
            print(_line(told[-1]), *_by_class(told[-1].result), file=sys.stderr, flush=True)
    if not args.only or args.only in PEER[0]:
        told.append(Told(PEER[0], _peer(args.root)))
        print(_line(told[-1]), *_by_class(told[-1].result), file=sys.stderr, flush=True)
    if not args.only or args.only in "NetworkML":
        told += [Told("NetworkML 0.6.19's features, its recipe", _networkml(args.root))]
    print(f"{told[0].result.captures} captures of {len(told[0].result.classes)} roles in")
    print(f"{told[0].result.groups} networks.\n")
    table(HEAD, [_line(one) for one in told])
    classes = told[0].result.classes
    counts = {row.name: row.captures for row in told[0].result.per_class}
    print("Right answers by role:\n")
    table(
        ("way", *(f"{name} ({counts[name]})" for name in classes)),
        [(one.name, *_by_class(one.result)) for one in told],
    )


def _line(told: Told) -> tuple[object, ...]:
    e = told.result
    return (
        told.name,
        e.configurations,
        f"{e.right} of {e.captures}",
        e.accuracy,
        share(e.majority),
        share(e.permuted),
        share(e.known),
        share(e.known_right),
        share(e.background_rejected),
    )


def _by_class(e: Evaluation) -> Iterator[int]:
    for place, name in enumerate(e.classes):
        assert any(row.name == name for row in e.per_class)
        yield e.confusion[place][place]


def left_out(parts: Parts) -> tuple[Fold, ...]:
    """A fold for each network that a role's capture is from, and for the largest background."""
    groups = np.array(parts.cases.material.groups, dtype=object)
    inside = parts.cases.inside
    others = groups[~inside].tolist()
    wanted = set(groups[inside].tolist())
    wanted |= {max(set(others), key=lambda name: (others.count(name), name))} if others else set()
    return tuple(
        (np.flatnonzero(groups != name), np.flatnonzero(groups == name)) for name in sorted(wanted)
    )


def _test(root: Path, name: str, made: Recipe, *, background: bool) -> Evaluation:
    whole = material(root, made.features, "role", "network")
    if not background:
        whole = whole.take(np.flatnonzero(np.array(whole.labels) != UNKNOWN))
    parts = parts_of(whole)
    cases, folds = parts.cases, left_out(parts)
    tested = nested(made, cases, folds, Work())
    shuffled = cases._replace(y=permuted(cases.y, made.seed))
    chance = nested(_one_point(made), shuffled, folds, Work())
    answered = np.zeros(len(cases.y), np.bool_)
    answered[np.concatenate([test for _, test in folds])] = True
    inside, outside = cases.inside, ~cases.inside & answered
    alike = chance.confidences.argmax(axis=1) == chance.cases.y
    context = Context(
        title=name,
        split="one network left out",
        groups=tuple(g for g, i in zip(cases.material.groups, inside, strict=True) if i),
        majority=majority_of_folds(cases.y, folds, cases.n_classes),
        permuted=float(alike[chance.cases.inside & answered].mean()),
        background_captures=int(outside.sum()),
        background_known=float(tested.known[outside].mean()) if outside.any() else None,
        configurations=len(made.grid),
        seed=made.seed,
    )
    return evaluation(
        parts.classes, cases.y[inside], tested.confidences[inside], tested.known[inside], context
    )


def _peer(root: Path) -> Evaluation:
    """The classic vector: one point, so that inner folds have nothing to choose."""
    name, made = PEER
    whole = material(root, made.features, "role", "network")
    parts = parts_of(whole.take(np.flatnonzero(np.array(whole.labels) != UNKNOWN)))
    cases, folds = parts.cases, left_out(parts)
    shuffled = cases._replace(y=permuted(cases.y, made.seed))
    told = [np.zeros((len(cases.y), cases.n_classes)) for _ in range(2)]
    for learn, test in folds:
        for answers, taught in zip(told, (cases, shuffled), strict=True):
            part = taught.material.take(test)
            fitted = fit(made.grid[0], made, taught.take(learn))
            answers[test] = predict(fitted, part.rows, part.owner, (len(part), cases.n_classes))
    context = Context(
        title=name,
        split="one network left out",
        groups=cases.material.groups,
        majority=majority_of_folds(cases.y, folds, cases.n_classes),
        permuted=float((told[1].argmax(axis=1) == shuffled.y).mean()),
        configurations=1,
        seed=made.seed,
    )
    known = np.ones(len(cases.y), np.bool_)
    return evaluation(parts.classes, cases.y, told[0], known, context)


def _one_point(made: Recipe) -> Recipe:
    return recipe(made.algorithm, made.features, made.grid[0], seed=made.seed, folds=2)


def _networkml(root: Path) -> Evaluation:
    """Its features and its recipe: standardised, four layouts of a net chosen on inner folds."""
    whole = material(root, "service-ports", "role", "network")
    parts = parts_of(whole)
    rows = np.stack([_networkml_row(root, path) for path in _paths(parts)]).astype(np.float32)
    y, inside = parts.cases.y, parts.cases.inside
    answers = np.zeros((len(y), parts.cases.n_classes))
    chance = np.zeros(len(y), np.int64)
    folds = left_out(parts)
    for learn, test in folds:
        taught = learn[inside[learn]]  # its recipe knows no background
        asked = test[inside[test]]
        if not len(asked):
            continue
        groups = [parts.cases.material.groups[i] for i in taught]
        layout = _layout(rows[taught], y[taught], groups)
        fitted = networkml(layout, 1).fit(rows[taught], y[taught])
        answers[np.ix_(asked, fitted[-1].classes_)] = fitted.predict_proba(rows[asked])
        shuffled = networkml(layout, 1).fit(rows[taught], permuted(y[taught], 1))
        chance[asked] = shuffled.predict(rows[asked])
    known = answers.max(axis=1) > 0.5  # noqa: PLR2004 — its own threshold
    context = Context(
        title="NetworkML",
        split="one network left out",
        groups=tuple(g for g, i in zip(parts.cases.material.groups, inside, strict=True) if i),
        majority=majority_of_folds(y, folds, parts.cases.n_classes),
        permuted=float((chance == y)[inside].mean()),
        configurations=len(LAYERS),
        seed=1,
    )
    return evaluation(parts.classes, y[inside], answers[inside], known[inside], context)


def _layout(rows: NDArray[np.float32], y: NDArray[np.int64], groups: list[str]) -> int:
    from plugin.ml.crossval import group_folds

    right = np.zeros(len(LAYERS))
    for learn, test in group_folds(y, groups, 3, 1):
        for k in range(len(LAYERS)):
            fitted = networkml(k, 1).fit(rows[learn], y[learn])
            right[k] += (fitted.predict(rows[test]) == y[test]).sum()
    return int(right.argmax())


def _paths(parts: Parts) -> Iterator[str]:
    for sample in parts.cases.material.samples:
        yield sample.path


def _networkml_row(root: Path, path: str) -> NDArray[np.float64]:
    capture = read_capture(root / path, packets=True)
    sample = next(s for s in listing(root, "role", "network").samples if s.path == path)
    from plugin.offline.training import device_of

    assert capture.packets is not None
    return networkml_features.row(capture.packets, device_of(capture, sample))


if __name__ == "__main__":
    main()
