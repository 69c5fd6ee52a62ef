"""Policies, their samples and devices to try them on, from files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import PolicyError
from plugin.ml.behaviour import NAMES
from plugin.ml.vocabulary import FILE, load_vocabulary
from plugin.policy.document import read_policy
from plugin.policy.samples import SUFFIX, Result, check, read_samples
from plugin.policy.subject_document import read_subject
from plugin.settings import data_folder
from plugin.yaml_places import read_limited

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.policy.rules import Policy
    from plugin.policy.samples import Sample
    from plugin.policy.subject import Subject

SUSPICION = "suspicion"
"""Stands among the behaviours of a verdict (docs/suspicion.md); its module would import numpy."""
SCHEMA = "policy-v1.schema.json"


class Tried(NamedTuple):
    """A policy on its samples."""

    policy: Policy
    results: tuple[Result, ...]

    @property
    def failed(self) -> int:
        """Samples that did not come out as expected."""
        return sum(bool(result.problems) for result in self.results)


def load_policy(file: Path, data: Path | None = None) -> Policy:
    """Read a policy; names of behaviours and roles are those that this Halia knows.

    Args:
        file: its path.
        data: the setting ``data``.

    Raises:
        PolicyError: it cannot be read, or all that is wrong in it.
    """
    return read_known(read_limited(file, error=PolicyError, kind="policy"), str(file), data)


def read_known(content: str | bytes, source: str, data: Path | None = None) -> Policy:
    """Read a policy's text, as :func:`load_policy` reads a file.

    Raises:
        PolicyError: all that is wrong in it.
    """
    entries = load_vocabulary(data_folder("configs", data) / FILE).entries
    roles = {entry.label for entry in entries}
    return read_policy(content, source, behaviours=NAMES | {SUSPICION}, roles=roles)


def load_samples(file: Path) -> tuple[Sample, ...]:
    """Read the samples of a policy: its own, and those of the file beside it.

    Args:
        file: the policy, such as ``office.yaml``; beside it may stand ``office.samples.yaml``.

    Raises:
        PolicyError: one cannot be read, or all that is wrong in it; or there are none.
    """
    content = read_limited(file, error=PolicyError, kind="policy")
    found = read_samples(content, str(file), of_policy=True)
    beside = file.with_name(file.stem + SUFFIX)
    if beside.exists():
        content = read_limited(beside, error=PolicyError, kind="list of samples")
        found += read_samples(content, str(beside))
    if not found:
        raise PolicyError(f"{file}: has no samples; write them under samples:, or in {beside}")
    return found


def load_subject(file: Path) -> Subject:
    """Read a device to try a policy on, from YAML or JSON.

    Raises:
        PolicyError: it cannot be read, or all that is wrong in it.
    """
    content = read_limited(file, error=PolicyError, kind="device")
    _no_verdict(content, file)
    return read_subject(content, str(file))


def _no_verdict(content: str | bytes, file: Path) -> None:
    """Tell what ``halia classify --json`` wrote: everybody tries that first.

    Raises:
        PolicyError: it is a verdict.
    """
    text = content if isinstance(content, str) else content.decode(errors="replace")
    try:
        document = json.loads(text.lstrip().partition("\n")[0])
    except (ValueError, RecursionError):
        return
    if isinstance(document, dict) and {"schema", "role", "anomaly", "window"} <= set(document):
        raise PolicyError(
            f"{file}: is a verdict of 'halia classify --json', not a device: write the device as"
            " samples have it (docs/policy.md), or try the capture with 'halia policy simulate"
            " --from CAPTURE'"
        )


def try_policy(file: Path, data: Path | None = None) -> Tried:
    """Try a policy on its samples.

    Raises:
        PolicyError: the policy or its samples cannot be read.
    """
    policy = load_policy(file, data)
    return Tried(policy, tuple(check(policy, load_samples(file))))


def schema_file(data: Path | None = None) -> Path:
    """Name the JSON Schema of policies, for editors.

    Raises:
        SettingsError: this installation has none.
    """
    return data_folder("configs", data) / "schema" / SCHEMA
