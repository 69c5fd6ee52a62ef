"""Samples: devices with what a policy is expected to say about them. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from yaml.nodes import MappingNode

from plugin.errors import PolicyError, printable
from plugin.policy import values
from plugin.policy.evaluate import evaluate
from plugin.policy.members import protected_by
from plugin.policy.subject_document import subject
from plugin.settings.units import quoted
from plugin.yaml_places import Document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yaml.nodes import Node

    from plugin.policy.evaluate import Chosen, Evaluation
    from plugin.policy.rules import Policy
    from plugin.policy.subject import Subject

NONE = "none"
"""In an expectation: no rule."""
SUFFIX = ".samples.yaml"
VALUES_MAX = 100_000
"""Of a file of samples."""
_SAMPLE = ("name", "subject", "time", "expect")
_EXPECT = ("enforced", "simulated", "action", "protected")
_TIME = re.compile(r"([a-z]{3}) ([01][0-9]|2[0-3]):([0-5][0-9])")
_USUAL_TIME = "mon 12:00"


class Expected(NamedTuple):
    """What a policy should say; None: whatever it says."""

    enforced: str | None
    """A rule's name, or :data:`NONE`."""
    simulated: str | None
    action: str | None
    """Of the rule that is enforced, else of the simulated one."""
    protected: bool | None


class Sample(NamedTuple):
    """One device at one moment."""

    name: str
    place: str
    """FILE:LINE:COLUMN."""
    subject: Subject
    time: float
    """Seconds since 1970-01-01 UTC; what a sample says is local time."""
    expected: Expected


class Result(NamedTuple):
    """What came of a sample."""

    sample: Sample
    evaluation: Evaluation
    protected: str | None
    """By what it is protected."""
    problems: tuple[str, ...]
    """What is not as expected."""


def read_samples(
    content: str | bytes, source: str, *, of_policy: bool = False
) -> tuple[Sample, ...]:
    """Read samples.

    Args:
        content: the YAML: a list, or a mapping whose ``samples`` is one.
        source: what to call it in problems.
        of_policy: it is a policy; what stands there besides is none of our business.

    Raises:
        PolicyError: all that is wrong in them, a line each.
    """
    document = Document(content, source, PolicyError)
    document.bound(VALUES_MAX)
    node = document.root
    if of_policy:
        pairs = node.value if isinstance(node, MappingNode) else []
        node = next((value for key, value in pairs if key.value == "samples"), None)
    elif isinstance(node, MappingNode):
        node = document.fields(node, "", ("samples",)).get("samples")
    samples = tuple(
        _sample(document, item, path) for path, item in values.items(document, node, "samples")
    )
    document.finish()
    return samples


def _sample(document: Document, node: Node, path: str) -> Sample:
    fields = document.fields(node, path, _SAMPLE)
    for name in ("name", "subject", "expect"):
        if name not in fields:
            document.note(node, f"{path}.{name}", "is missing")
    return Sample(
        printable(document.text(fields.get("name"), f"{path}.name")),
        document.place(node),
        subject(document, fields.get("subject"), f"{path}.subject"),
        _time(document, fields.get("time"), f"{path}.time"),
        _expected(document, fields.get("expect"), f"{path}.expect"),
    )


def _time(document: Document, node: Node | None, what: str) -> float:
    text = document.text(node, what, _USUAL_TIME)
    found = _TIME.fullmatch(text)
    if found is None or found[1] not in values.DAYS:
        if node is not None:
            said = f'{quoted(text)} is no day and time (local) such as "sat 03:00"'
            document.note(node, what, said)
        return 0.0
    day = 1 + values.DAYS.index(found[1])  # 1 January 2024 was a Monday
    return datetime(2024, 1, day, int(found[2]), int(found[3])).astimezone().timestamp()


def _expected(document: Document, node: Node | None, what: str) -> Expected:
    fields = document.fields(node, what, _EXPECT)
    if node is not None and not fields:
        document.note(node, what, f"nothing is expected: one of {', '.join(_EXPECT)}")
    protected = None
    if "protected" in fields:
        protected = document.flag(fields["protected"], f"{what}.protected")

    def text(name: str) -> str | None:
        return document.text(fields.get(name), f"{what}.{name}") or None

    return Expected(text("enforced"), text("simulated"), text("action"), protected)


def check(policy: Policy, samples: tuple[Sample, ...]) -> Iterator[Result]:
    """Try a policy on samples."""
    known = {rule.name for rule in policy.rules}
    for sample in samples:
        evaluation = evaluate(policy, sample.subject, sample.time)
        protected = protected_by(policy.protect, sample.subject, policy.tags)
        yield Result(
            sample,
            evaluation,
            protected,
            tuple(_wrong(sample.expected, evaluation, protected, known)),
        )


def _wrong(
    expected: Expected, found: Evaluation, protected: str | None, known: set[str]
) -> Iterator[str]:
    pairs = (
        ("enforced", expected.enforced, found.enforced),
        ("simulated", expected.simulated, found.simulated),
    )
    for what, name, one in pairs:
        said = NONE if one is None else one.rule.name
        if name is not None and name != said:
            missing = "" if name in known or name == NONE else " (there is no such rule)"
            yield f"{what}: {printable(name)} was expected{missing}; it is {said}"
    action = _action(found.enforced or found.simulated)
    if expected.action is not None and expected.action != action:
        yield f"action: {printable(expected.action)} was expected; it is {action}"
    if expected.protected is not None and expected.protected != (protected is not None):
        wanted = "protected" if expected.protected else "not protected"
        yield f"{wanted} was expected; it is {_protection(protected)}"


def _action(found: Chosen | None) -> str:
    return NONE if found is None else str(found.rule.action)


def _protection(protected: str | None) -> str:
    return "not" if protected is None else f"protected: {printable(protected)}"
