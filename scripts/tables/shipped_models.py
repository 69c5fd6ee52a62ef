"""What the shipped models of roles are, and how they came out in training; prints it as Markdown.

``python -m scripts.tables.shipped_models``

All of it is read from their manifests, where ``halia train`` has put it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.ml.store import ARRAYS, MANIFEST, load_model
from scripts.tables.recipes import ROOT, share, table

if TYPE_CHECKING:
    from plugin.ml.model import Manifest

NAMES = ("device", "enterprise")
FAIR = 0.9
"""Classes whose F1 is below are listed."""


def main() -> None:
    """Print it."""
    models = [load_model(ROOT / "models" / name).manifest for name in NAMES]
    rows = [(what, *(cell(one) for one in models)) for what, cell in FACTS.items()]
    table(("", *(f"`{one.name}`" for one in models)), rows)
    for one in models:
        _tested(one)


def _tested(manifest: Manifest) -> None:
    test = manifest.metrics["test"]
    print(f"`{manifest.name}` in training: {test['split']}.\n")
    table(
        ("captures", "accuracy", *(f"macro {name}" for name in ("precision", "recall", "F1")),
         "majority", "permuted", "configurations"),
        [(
            f"{test['captures']}, {len(test['classes'])} classes",
            f"{_interval(test['accuracy'])} ({test['right']} of {test['captures']})",
            *(_interval(test[name]) for name in ("precision", "recall", "f1")),
            share(test["majority"]), share(test["permuted"]), test["configurations"],
        )],
    )  # fmt: skip
    told = [f"Known {share(test['known'])}, of which right {share(test['known_right'])}."]
    if test["open_captures"]:
        told.append(f"Open set {share(test['open_rejected'])} of {test['open_captures']} captures.")
    if test["background_captures"]:
        rejected = share(test["background_rejected"])
        told.append(f"Background {rejected} of {test['background_captures']} captures.")
    told.append(f"True class among the first three: {share(test['top3'])}.")
    print(" ".join([*told, *(f"Note: {note}." for note in test["notes"])]) + "\n")
    rows = [one for one in test["per_class"] if one["f1"] < FAIR]
    if not rows:
        print(f"No class has an F1 below {FAIR:g}.\n")
        return
    print(f"Classes of `{manifest.name}` with F1 below {FAIR:g}:\n")
    table(
        ("class", "captures", "precision", "recall", "F1"),
        [
            (one["name"], one["captures"], *(share(one[k]) for k in ("precision", "recall", "f1")))
            for one in rows
        ],
    )


def _interval(figure: dict[str, Any]) -> str:
    return f"{share(figure['value'])} [{share(figure['low'])}, {share(figure['high'])}]"


def _size(manifest: Manifest) -> str:
    folder = Path(ROOT / "models" / manifest.name)
    return f"{sum((folder / name).stat().st_size for name in (ARRAYS, MANIFEST)) / 1000:.0f} kB"


def _known(manifest: Manifest) -> str:
    told = f"{manifest.threshold:.2f}"
    if manifest.rejection is not None:
        told += f", spread {manifest.rejection:.2f} at most"
    return f"{told}, {manifest.min_packets} packets, {manifest.min_sessions} sessions"


FACTS = {
    "is": lambda one: f"{one.algorithm} on `{one.schema_name}`",
    "tells apart": lambda one: f"{len(one.classes)} classes",
    "options": lambda one: ", ".join(f"{k} {v:g}" for k, v in one.metrics["options"].items()),
    "trained on": lambda one: (
        f"{one.metrics['captures']} captures"
        + (f", {one.metrics['background']} of background" if one.metrics["background"] else "")
    ),
    "known from": _known,
    "size": _size,
}

if __name__ == "__main__":
    main()
