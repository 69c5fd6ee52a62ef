"""Whatever a policy's file holds: it is read, or refused with places; and it never fails later."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.errors import PolicyError
from plugin.policy.document import read_policy
from plugin.policy.evaluate import evaluate
from plugin.policy.explain import explain, to_document
from plugin.policy.safety import isolates, refusals
from plugin.policy.samples import read_samples
from plugin.policy.subject_document import read_subject
from plugin.policy.trial import in_earnest
from tests.policies import NOW, device, seen, window

EXAMPLES = int(os.environ.get("HALIA_TEST_EXAMPLES", "60"))
T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "configs" / "policies").glob("*.yaml"))
TEXTS = [file.read_text("utf-8") for file in FILES]
TOKEN = re.compile(r"[\w.:/*-]+|[^\w\s]|\s+")
ODD = st.sampled_from(
    ["", "~", "{}", "[]", "[[]]", "- ", ": ", "&a ", "*a", "!x ", "? ", "<<: ", "'", '"', "0", "-1",
     "1e999", ".nan", "yes", "block", "enforce", "roles", "undetermined", "x" * 300, "\u202e", "é",
     "10.0.0.0/33", "99999999999999999999", "\n", "  ", "|\n", "%", "@", "\t"]
)  # fmt: skip
SUBJECTS = (
    device(),
    device(behaviours=(seen("vertical-scan"), seen("beacon"), seen("arp-spoofing"))),
    device(role=None, windows=(), place=None, addresses=("x",), vendor=None, captures=0),
    device(windows=tuple(window(n, anomaly="changed", change=9.0) for n in range(16))),
)


@st.composite
def mistaken(draw: st.DrawFn) -> str:
    """One of our files with some of its words replaced, doubled or left out."""
    tokens = TOKEN.findall(draw(st.sampled_from(TEXTS)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(tokens) - 1))
        other = draw(st.one_of(ODD, st.sampled_from(tokens), st.text(max_size=5)))
        tokens[at] = draw(st.sampled_from([other, tokens[at] + other, ""]))
    return "".join(tokens)


def _read(read: Callable[[str | bytes, str], T], content: str | bytes) -> T | None:
    """Read something; None: it is refused as it should be."""
    try:
        return read(content, "p.yaml")
    except PolicyError as error:
        refused = error
    assert refused.problems
    assert all(problem.startswith("p.yaml") for problem in refused.problems)
    assert str(refused).replace("\n", "").isprintable()
    return None


@settings(max_examples=EXAMPLES, deadline=None)
@given(mistaken())
def test_a_mistaken_policy_is_read_or_refused_and_what_is_read_is_safe(text: str) -> None:
    policy = _read(read_policy, text)
    if policy is None:
        return
    for rule in policy.rules:
        assert list(refusals(rule)) == []
        assert all(0 < step.duration <= 365 * 86_400 for step in rule.steps)
    for subject in SUBJECTS:
        found = evaluate(policy, subject, NOW)
        told = explain(policy, subject, NOW)
        assert told.enforced == (found.enforced and found.enforced.rule.name)
        assert told.simulated == (found.simulated and found.simulated.rule.name)
        to_document(told)
        if found.enforced is not None and isolates(found.enforced.rule):
            assert found.enforced.evidence, "nobody is isolated without evidence"
        evaluate(in_earnest(policy), subject, NOW)


@settings(max_examples=EXAMPLES, deadline=None)
@given(mistaken())
def test_mistaken_samples_and_devices_are_read_or_refused(text: str) -> None:
    _read(read_samples, text)
    _read(read_subject, text)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_are_refused_or_read(content: bytes) -> None:
    _read(read_policy, content)
    _read(read_samples, content)
    _read(read_subject, content)
