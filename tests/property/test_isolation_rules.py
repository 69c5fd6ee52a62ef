"""Faucet's own parser takes every include that isolations are rendered to, whatever is wanted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from plugin.actions import Action, Isolation, Place, Service
from plugin.faucet.ground import ground
from plugin.faucet.hook import INCLUDE, PRIMING_MAC, Mode, Options, Stages, render, watch
from plugin.faucet.install import Plan, plan_install
from plugin.faucet.isolate import lay, merged, read
from plugin.faucet.revlan import RevlanPlan, plan_revlans
from plugin.faucet.tree import Tree
from tests.checker import Worker, workers
from tests.faucet_files import faucet_files
from tests.grounds import APART, LAYOUTS, SERVICES, Site, mac, rules, site

EXAMPLES = int(os.environ.get("HALIA_TEST_EXAMPLES", "60"))
HOSTILE = (
    '", actions: {allow: 1}}} #',
    "02:00:00:00:00:01\n    - {rule: {actions: {allow: 1}}}",
    "*anchor",
    "ff:ff:ff:ff:ff:ff",
    "\u2028",
)
SITES: dict[str, Site] = {
    **{name: site(**more) for name, more in LAYOUTS.items()},
    "two": site(second=True),
    "apart": site(text=APART),
}
services = st.one_of(
    st.sampled_from(SERVICES),
    st.builds(
        Service,
        st.sampled_from(["dns", "host"]),
        st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str),
    ),
)
addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6, network="fe80::/64")).map(str)
actions = st.one_of(
    st.just(Action(kind="block")),
    st.builds(Action, kind=st.just("limit"), rate=st.sampled_from([1, 500, 100_000_000])),
    st.builds(Action, kind=st.just("revlan"), vlan=st.sampled_from(["lab", "halia_quarantine"])),
    st.builds(
        Action,
        kind=st.just("quarantine"),
        allow=st.lists(services, max_size=3, unique=True).map(tuple),
        redirect=st.booleans(),
    ),
)


@st.composite
def wishes(draw: st.DrawFn, ports: tuple[tuple[str, int], ...]) -> list[Isolation]:
    numbers = draw(st.lists(st.integers(1, 0x7FFF), max_size=4, unique=True))
    found = []
    for number in numbers:
        at = draw(st.one_of(st.none(), st.sampled_from(ports))) if ports else None
        found.append(
            Isolation(
                cookie=number,
                mac=draw(st.sampled_from(HOSTILE)) if draw(st.booleans()) and number % 9 == 0
                else mac(number),
                action=draw(actions),
                place=None if at is None else Place(*at, 100),
                addresses=tuple(draw(st.lists(addresses, max_size=2, unique=True))),
            )
        )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def faucet() -> Iterator[Worker]:
    yield from workers()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faucet")


def taken(faucet: Worker, folder: Path, root: str, include: str) -> None:
    """Have Faucet's parser judge, and valve make flows of it."""
    (folder / "faucet.yaml").write_text(root, encoding="utf-8", newline="")
    (folder / INCLUDE).write_text(include, encoding="utf-8")
    found = faucet.parse(folder / "faucet.yaml")
    assert found.ok, found.error
    assert INCLUDE in found.loaded


@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data(), where=st.sampled_from(sorted(SITES)), mirrored=st.booleans())
def test_faucet_takes_what_isolates(
    data: st.DataObject, where: str, mirrored: bool, faucet: Worker, folder: Path
) -> None:
    there = SITES[where]
    ones = data.draw(wishes(tuple(sorted(there.ground.ports))))
    laid = lay(ones, there.ground)
    watches = Stages(watches=watch(mac(1), 0x8001)) if mirrored else Stages()
    text = there.stages(merged(laid.stages, watches))
    plan = plan_revlans(there.root, laid.revlans, None)
    assert isinstance(plan, RevlanPlan)
    taken(faucet, folder, plan.new_text, text)
    assert read(text) == laid.standing
    for hook in (acl for acl in Tree(text).plain["acls"] if acl.startswith("halia_hook")):
        ends = {r.get("dl_src") or r.get("dl_dst") for r in rules(text, hook)}
        assert ends <= {PRIMING_MAC, *(one.mac for one in ones)} - set(HOSTILE)
    for one in ones:
        if one.mac in HOSTILE:
            assert one.cookie in laid.refused
    back = plan_revlans(plan.new_text, (), plan.record)
    assert isinstance(back, RevlanPlan)
    assert back.new_text == there.root


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    data=st.data(),
    text=faucet_files,
    mode=st.sampled_from([None, None, "tail", "out", "none"]),
)
def test_on_random_files_of_operators_too(
    data: st.DataObject, text: str, mode: Mode | None, faucet: Worker, folder: Path
) -> None:
    (folder / "faucet.yaml").write_text(text, encoding="utf-8", newline="")
    (folder / INCLUDE).unlink(missing_ok=True)
    assume(faucet.parse(folder / "faucet.yaml").ok)
    plan = plan_install(text, Options(mode=mode))
    assume(isinstance(plan, Plan))
    assert isinstance(plan, Plan)
    assert plan.journal is not None
    there = ground(plan.new_text, {}, plan.journal)
    ones = data.draw(wishes(tuple(sorted(there.ports))))
    laid = lay(ones, there)
    include = render(plan.journal.layout, laid.stages)
    assert read(include) == laid.standing
    moves = plan_revlans(plan.new_text, laid.revlans, None)
    root = plan.new_text if not isinstance(moves, RevlanPlan) else moves.new_text
    taken(faucet, folder, root, include)
    if isinstance(moves, RevlanPlan):
        back = plan_revlans(moves.new_text, (), moves.record)
        assert isinstance(back, RevlanPlan)
        assert back.new_text == plan.new_text
        moved = {(m.dp, m.port) for m in moves.record.moves} if moves.record else set()
        assert moved == {(r.dp, r.port) for r in laid.revlans}
        assert Tree(moves.new_text).plain.keys() == Tree(plan.new_text).plain.keys()
