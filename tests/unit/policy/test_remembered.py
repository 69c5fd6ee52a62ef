from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.actions import COOKIES, KINDS, Action, Place, Service
from plugin.policy.cases import Case, Proof, State
from plugin.policy.remembered import from_document, to_document
from tests.ledgers import BLOCK, START, mac

SERVICES = st.sampled_from(
    (Service("dhcp"), Service("dns", "10.0.0.53"), Service("host", "2001:db8::1"))
)
ACTIONS = st.builds(
    Action, kind=st.sampled_from(KINDS), rate=st.none() | st.integers(1, 10**8),
    vlan=st.none() | st.text(), allow=st.lists(SERVICES).map(tuple), redirect=st.booleans(),
)  # fmt: skip
TIMES = st.floats(0, 4e9)
MACS = st.from_regex(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", fullmatch=True)
TEXTS = st.lists(st.text(), max_size=3).map(tuple)
CASES = st.builds(
    Case,
    number=st.integers(1, 10**9), cookie=st.sampled_from((0, COOKIES[0], COOKIES[-1])),
    action=ACTIONS, opened=TIMES, changed=TIMES, duration=TIMES, grace=TIMES,
    deadline=st.none() | TIMES, until=st.none() | TIMES, step=st.integers(0, 9),
    parent=st.none() | st.integers(1, 99), place=st.none() | st.builds(
        Place, st.text(), st.integers(1, 99), st.integers(0, 4094)),
    addresses=TEXTS, notes=TEXTS, evidence=TEXTS, models=TEXTS, mac=MACS, actor=st.text(),
    rule=st.none() | st.text(), reason=st.text(), state=st.sampled_from(get_args(State)),
    origin=st.sampled_from(("rule", "operator", "found", "port")), policy=st.text(),
    proof=st.sampled_from(get_args(Proof)), scope=st.sampled_from(("device", "port")),
)  # fmt: skip
CASE = Case(
    number=3, cookie=9, mac=mac(1), state="isolated", action=BLOCK, rule="bad", origin="rule",
    actor="bad", reason="why", opened=START, changed=START, deadline=START + 9, until=START + 9,
    duration=9.0, place=Place("sw1", 1, 100),
)  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True)
@given(CASES)
def test_a_case_comes_back_as_it_was(case: Case) -> None:
    assert from_document(json.loads(json.dumps(to_document(case)))) == case


def test_a_document_has_every_field_under_its_name() -> None:
    assert list(to_document(CASE)) == [field.name for field in fields(Case)]


def test_what_a_later_version_adds_is_passed_over() -> None:
    assert from_document({**to_document(CASE), "colour": "red"}) == CASE


def test_what_is_missing_is_no_case() -> None:
    document = to_document(CASE)
    for name in document:
        less = {key: value for key, value in document.items() if key != name}
        with pytest.raises(ValueError, match="no case"):
            from_document(less)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "free"), ("state", ["isolated"]), ("origin", "nobody"), ("proof", "seen"),
        ("scope", None), ("mac", 5), ("mac", "02:00:00:00:00:1"),
        ("reason", None), ("evidence", "text"), ("notes", [1]),
        ("opened", "now"), ("opened", float("nan")), ("until", float("inf")), ("deadline", True),
        ("number", 1.5), ("number", True), ("step", -1), ("cookie", 40_000), ("rule", 3),
        ("parent", "x"), ("place", {"dp": "sw1"}), ("place", "sw1"), ("action", None),
        ("action", {"kind": "burn"}), ("duration", 10**400),
    ],
)  # fmt: skip
def test_another_type_or_kind_is_no_case(name: str, value: object) -> None:
    with pytest.raises(ValueError, match="no case"):
        from_document({**to_document(CASE), name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("rate", "fast"), ("vlan", 5), ("redirect", 1), ("allow", [{"kind": "all", "address": None}])],
)
def test_an_action_of_other_types_is_none(name: str, value: object) -> None:
    document = to_document(replace(CASE, action=Action(kind="quarantine")))
    document["action"][name] = value
    with pytest.raises(ValueError, match="no case"):
        from_document(document)
