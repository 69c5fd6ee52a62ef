"""Types and roles that were never learned, and what a few labelled captures teach; as Markdown.

``python -m scripts.tables.open_set SHARED/data > docs/open-set.md``

Folds of types are left out in turn, with and without their siblings; then each role. The limit of
the dispersion is set on validation folds of what is learned, 5 % of them rejected. Deterministic.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plugin.ml.adapt import adapt
from plugin.ml.calibration import limit_of
from plugin.ml.crossval import Work, answer, group_folds, leave_one_out, nested, train
from plugin.ml.dataset import Cases, Material, encode
from plugin.ml.fitted_arrays import to_arrays
from plugin.ml.inference import forest
from plugin.ml.model import UNKNOWN
from plugin.ml.role import calibrate, dispersion
from plugin.ml.train import fit, predict
from plugin.offline.adapting import TAUGHT_REJECTED
from plugin.offline.fitting import parts_of
from scripts.tables.device_types import siblings_of
from scripts.tables.recipes import TREES, material, recipe, share, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from plugin.ml.crossval import Trained
    from plugin.ml.train import Recipe

SETS = ("halia-host-sent", "service-ports")
SEEDS, FOLDS, INNER = (1, 2), 5, 3
TAUGHT = (1, 3, 5)
"""Labelled captures of each new type."""
IOT = "devices/iot-sentinel/"


class Left(NamedTuple):
    """One fold of types that were left out."""

    types: tuple[str, ...]
    """(n,) the true type of each capture of them."""
    rejected: NDArray[np.bool_]
    """(n,) whether its dispersion is beyond the limit."""
    not_known: NDArray[np.bool_]
    """(n,) the same by the whole decision: threshold and least evidence too."""
    known_rejected: NDArray[np.bool_]
    """(m,) of tested captures of types that were learned."""
    known_not_known: NDArray[np.bool_]
    taught: tuple[tuple[float, float, float], ...]
    """After so many labelled captures of each: right among the new types, rightly called known
    among them; right among the old."""


def folds_of(whole: Material, seed: int, *, families: bool) -> Iterator[NDArray[np.bool_]]:
    """Which samples are left out, fold by fold; ``families``: siblings are left out together."""
    labels = whole.labels
    units = np.array([siblings_of(one) if families else one for one in labels], dtype=object)
    mixed = np.random.default_rng(seed).permutation(np.array(sorted(set(units)), dtype=object))
    for part in np.array_split(mixed, FOLDS):
        yield np.isin(units, part)


def left_out(whole: Material, made: Recipe, out: NDArray[np.bool_], seed: int) -> Left:
    """Learn all other types, ask about all."""
    known, unknown = whole.take(np.flatnonzero(~out)), whole.take(np.flatnonzero(out))
    names, y = encode(known.labels)
    cases = Cases(known, y, len(names))
    learn, test = group_folds(y, known.groups, FOLDS, seed)[0]
    trained = train(made, cases.take(learn), Work())
    limit, temperature = trained.calibration.rejection, trained.calibration.temperature
    inside, told_inside = answer(trained, known.take(test))
    outside, told_outside = answer(trained, unknown)
    return Left(
        unknown.labels,
        dispersion(outside, temperature) > limit,
        ~told_outside,
        dispersion(inside, temperature) > limit,
        ~told_inside,
        tuple(_taught(trained, cases.take(test), unknown, count) for count in TAUGHT),
    )


def _taught(trained: Trained, old: Cases, new: Material, count: int) -> tuple[float, float, float]:
    """Teach the first captures of each new type; ask about those after them, and the old types.

    The limit on dispersion is made wider as :func:`plugin.offline.adapting.adapt_model` does.
    """
    names, y = encode(new.labels)
    y = y + old.n_classes
    place = np.array([(y[:i] == y[i]).sum() for i in range(len(y))])
    labelled = np.flatnonzero(place < count)
    rest = np.flatnonzero(place >= max(TAUGHT))
    n_classes, own = old.n_classes + len(names), trained.calibration
    arrays = to_arrays(trained.fitted, old.n_classes)

    def asked(some: NDArray[np.int64], material: Material) -> NDArray[np.float64]:
        made = adapt(arrays, "trees", Cases(new.take(some), y[some], n_classes))
        return calibrate(forest(made, material.rows), own.temperature)

    limit = own.rejection
    if count > 1:  # else the type is gone where its capture is left out
        told = np.array(
            [asked(labelled[labelled != i], new.take(np.array([i])))[0] for i in labelled]
        )
        told = told[told.argmax(axis=1) == y[labelled]]
        if len(told):
            limit = max(limit, limit_of(dispersion(told, own.temperature), TAUGHT_REJECTED))
    answers, before = asked(labelled, new.take(rest)), asked(labelled, old.material)
    right = answers.argmax(axis=1) == y[rest]
    known = answers.max(axis=1) >= own.threshold
    known &= dispersion(answers, own.temperature) <= limit
    old_right = before.argmax(axis=1) == old.y
    return float(right.mean()), float((right & known).mean()), float(old_right.mean())


def print_types(root: Path) -> None:
    """Types left out: each set of features, alone and by families."""
    lines, by_type, teaching = [], {}, []
    for features in SETS:
        whole = material(root, features, "label", "path")
        whole = whole.take(np.array([s.path.startswith(IOT) for s in whole.samples]).nonzero()[0])
        for families in (False, True):
            found = [
                left_out(whole, recipe("trees", features, TREES, seed=seed, folds=INNER), out, seed)
                for seed in SEEDS
                for out in folds_of(whole, seed, families=families)
            ]
            rejected = np.concatenate([one.rejected for one in found])
            lines.append(
                (
                    f"`{features}`",
                    "with their siblings" if families else "types alone",
                    f"{rejected.mean():.3f} [{_low(found):.3f}, {_high(found):.3f}]",
                    share(float(np.concatenate([one.not_known for one in found]).mean())),
                    share(float(np.concatenate([one.known_rejected for one in found]).mean())),
                    share(float(np.concatenate([one.known_not_known for one in found]).mean())),
                )
            )
            types = np.concatenate([np.array(one.types) for one in found])
            by_type[features, families] = {
                name: float(rejected[types == name].mean()) for name in sorted(set(types))
            }
            if not families:
                each = np.array([one.taught for one in found])
                teaching += [
                    (f"`{features}`", k, *(share(float(v)) for v in each[:, place].mean(axis=0)))
                    for place, k in enumerate(TAUGHT)
                ]
    table(
        ("features", "left out", "rejected", "not known", "known ones rejected", "… not known"),
        lines,
    )
    print("Rejected, type by type (`" + SETS[0] + "`):\n")
    alone, kin = by_type[SETS[0], False], by_type[SETS[0], True]
    table(
        ("type", "siblings", "left out alone", "left out with its siblings"),
        [
            (name, siblings_of(name) if siblings_of(name) != name else "", share(alone[name]),
             share(kin[name]))
            for name in alone
        ],
    )  # fmt: skip
    print("New types taught by labelled captures, the trees as they were:\n")
    table(
        (
            "features",
            "captures of each",
            "right among new types",
            "rightly called known",
            "right among old types",
        ),
        teaching,
    )


def _low(found: list[Left]) -> float:
    return float(np.quantile(_drawn(found), 0.025))


def _high(found: list[Left]) -> float:
    return float(np.quantile(_drawn(found), 0.975))


def _drawn(found: list[Left]) -> NDArray[np.float64]:
    """Shares rejected where whole types are drawn with replacement."""
    types = np.concatenate([np.array(one.types) for one in found])
    rejected = np.concatenate([one.rejected for one in found])
    each = np.array([rejected[types == name].mean() for name in sorted(set(types))])
    drawn = np.random.default_rng(0).integers(0, len(each), (2000, len(each)))
    means: NDArray[np.float64] = each[drawn].mean(axis=1)
    return means


def print_roles(root: Path) -> None:
    """Each role left out, and what labelled devices of an unseen network teach."""
    whole = material(root, "service-ports", "role", "network")
    roles = parts_of(whole).classes
    made = recipe("trees", "service-ports", TREES, folds=INNER)
    lines = []
    for role in roles:
        is_role = np.array(whole.labels) == role
        learned = np.isin(np.array(whole.labels), [r for r in roles if r != role])
        kept = learned | (np.array(whole.labels) == UNKNOWN)
        parts = parts_of(whole.take(np.flatnonzero(kept)))
        cases, unknown = parts.cases, whole.take(np.flatnonzero(is_role))
        folds = group_folds(cases.y, cases.material.groups, INNER, 1)
        tested = nested(made, cases, folds, Work(), unknown)
        assert tested.open_known is not None
        known = tested.known[cases.inside]
        lines.append((role, len(unknown), share(1 - tested.open_known), share(float(known.mean()))))
    table(("role left out", "captures", "not known", "of the other roles known"), lines)
    print("A network never seen, one of its devices labelled:\n")
    table(
        ("network", "labelled device", "asked captures", "right before", "right after"),
        _networks(whole, roles, made),
    )


def _networks(
    whole: Material, roles: tuple[str, ...], made: Recipe
) -> Iterator[tuple[object, ...]]:
    labels = np.array(whole.labels, dtype=object)
    number = {name: i for i, name in enumerate((*roles, UNKNOWN))}
    usable = np.isin(labels, list(number))
    y = np.array([number.get(label, 0) for label in labels], np.int64)
    device = np.array([s.mac or s.ip for s in whole.samples], dtype=object)
    cases = Cases(whole, y, len(roles))
    for learn, test in leave_one_out(whole.groups):
        asked = test[np.isin(labels[test], roles)]
        if len(set(device[asked])) < 2:  # noqa: PLR2004 — one to label, one to ask
            continue
        fitted = fit(made.grid[0], made, cases.take(learn[usable[learn]]))
        arrays = to_arrays(fitted, len(roles))
        for one in sorted(set(device[asked])):
            own, others = asked[device[asked] == one], asked[device[asked] != one]
            part = whole.take(others)
            shape = (len(part), len(roles))
            before = predict(fitted, part.rows, part.owner, shape).argmax(axis=1)
            taught = adapt(arrays, made.algorithm, cases.take(own))
            after = forest(taught, part.rows).argmax(axis=1)
            yield (
                whole.groups[int(own[0])],
                f"{labels[own[0]]}, {len(own)} captures",
                len(others),
                int((before == y[others]).sum()),
                int((after == y[others]).sum()),
            )


def main() -> None:
    """Read, learn, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("root", type=Path, help="the folder that holds devices/")
    parser.add_argument("--only", choices=("types", "roles"), help="one part of it")
    args = parser.parse_args()
    if args.only != "roles":
        print_types(args.root)
    if args.only != "types":
        print_roles(args.root)


if __name__ == "__main__":
    main()
