"""What ``halia demo`` shows: the shipped captures, classified by the shipped models."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import DatasetError
from plugin.ml.verdict import KNOWN
from plugin.ml.vocabulary import FILE, load_vocabulary
from plugin.offline.classify import Options, classify_capture, load_models, needs_packets
from plugin.offline.fitting import seen_in_training
from plugin.offline.read import read_capture
from plugin.offline.training import file_digest
from plugin.settings import data_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plugin.ml.verdict import Role, Verdict

FOLDER, LIST_NAME = "demo", "demo.csv"


class Shown(NamedTuple):
    """One capture of the demo."""

    capture: str
    truth: str
    """What the device is, in the vocabulary's spelling."""
    verdict: Verdict
    seen: bool
    """A model has learned this very file (then it would show nothing)."""

    @property
    def found(self) -> bool:
        """Whether the truth is among the three likeliest."""
        return self.truth in self.verdict.role.labels

    @property
    def known(self) -> bool:
        """Whether a model knows the role."""
        return self.verdict.role.decision == KNOWN

    @property
    def surest(self) -> Role:
        """The answer if it is known; else what the surest of the models would guess."""
        if self.known:
            return self.verdict.role
        return max(self.verdict.roles or (self.verdict.role,), key=lambda r: r.confidences[0])

    @property
    def right(self) -> bool:
        """Whether the first label of :attr:`surest` is the truth."""
        return self.surest.labels[0] == self.truth


def demo_list(data: Path | None = None) -> list[dict[str, str]]:
    """The rows of the demo's list.

    Args:
        data: the setting ``data``.

    Raises:
        DatasetError: the demo's captures are not there.
    """
    path = data_folder("configs", data) / FOLDER / LIST_NAME
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))
    except OSError as error:
        raise DatasetError(
            f"the demo's captures cannot be read: {error.strerror}", where=str(path)
        ) from error


def show(data: Path | None = None) -> Iterator[Shown]:
    """Classify the captures one by one.

    Raises:
        CaptureError: a shipped capture cannot be read.
        ModelError: no models come with this Halia.
        DatasetError: a capture does not hold its device.
    """
    configs = data_folder("configs", data)
    vocabulary = load_vocabulary(configs / FILE)
    models = load_models("auto", data)
    for row in demo_list(data):
        path = configs / FOLDER / row["path"]
        capture = read_capture(path, packets=needs_packets(models))
        verdicts = classify_capture(capture, models, Options(device=row["mac"] or row["ip"]))
        if not verdicts:
            raise DatasetError("does not hold its device", where=str(path))
        role = vocabulary.find(row["label"])
        digest = file_digest(path)
        yield Shown(
            capture=row["path"],
            truth=role.label if role else row["label"],
            verdict=verdicts[0],
            seen=any(seen_in_training(model.manifest, [digest]) for model in models),
        )
