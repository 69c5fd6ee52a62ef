"""Over random faucet.yaml files: what is installed is removed to the byte, and Faucet takes all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from plugin.faucet.hook import INCLUDE, Mode, Options, Stages, render, watch
from plugin.faucet.install import Plan, Refusal, plan_install, plan_remove
from plugin.faucet.removal import strip
from plugin.faucet.tree import Tree
from tests.checker import Parsed, Worker, workers
from tests.faucet_files import faucet_files

KNOWN = (
    "no port to mirror to",
    "a VLAN's ACL is the same on each",
    "split the range",
    "has an ACL of yours",
)
"""All that may be refused of these files."""


@pytest.fixture(scope="module")
def faucet() -> Iterator[Worker]:
    yield from workers()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faucet")


def ask(faucet: Worker, folder: Path, root: str, include: str | None = None) -> Parsed:
    (folder / "faucet.yaml").write_text(root, encoding="utf-8", newline="")
    ours = folder / INCLUDE
    ours.unlink(missing_ok=True)
    if include is not None:
        ours.write_text(include, encoding="utf-8")
    return faucet.parse(folder / "faucet.yaml")


@settings(
    max_examples=int(os.environ.get("HALIA_TEST_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much],
)
@given(
    text=faucet_files,
    mode=st.sampled_from([None, None, None, "vlan", "tail", "out", "port", "port", "none"]),
)
def test_install_and_remove_give_the_same_bytes(
    text: str, mode: Mode | None, faucet: Worker, folder: Path
) -> None:
    before = ask(faucet, folder, text)
    assume(before.ok)
    plan = plan_install(text, Options(mode=mode))
    if isinstance(plan, Refusal):
        assert all(any(k in reason for k in KNOWN) for reason in plan.reasons), plan.reasons
        return
    assert plan.journal is not None
    removed = plan_remove(plan.new_text, plan.journal)
    assert isinstance(removed, Plan)
    assert removed.new_text.encode() == text.encode()

    # Without the journal: the same meaning (acl_in: x has become acls_in: [x], which is the same).
    bare = strip(plan.new_text)
    assert ask(faucet, folder, bare)[:4] == before[:4]
    assert not plan.diff or Tree(bare).plain != Tree(plan.new_text).plain

    # Once more changes nothing, with and without a journal.
    for journal in (plan.journal, None):
        again = plan_install(plan.new_text, Options(mode=mode), journal=journal)
        assert isinstance(again, Plan)
        assert again.new_text == plan.new_text

    # Faucet takes it, without our include, with it, and with rules in it.
    stages = Stages(watches=watch("02:00:00:00:00:01", 7))
    layout = plan.journal.layout
    after = ask(faucet, folder, plan.new_text)
    assert after.ok, after.error
    for include in (render(layout), render(layout, stages)):
        loaded = ask(faucet, folder, plan.new_text, include)
        assert loaded.ok, loaded.error
        assert INCLUDE in loaded.loaded
        assert loaded.chains == after.chains
    check_chains(before, after)


def check_chains(before: Parsed, after: Parsed) -> None:
    """Nothing of the operator's is moved, and what was without ACLs still lets all through."""
    for dp, ports in before.chains.items():
        for port, chain in ports.items():
            now = after.chains[dp][port]
            if now == chain:
                continue  # a port that is not hooked
            assert now[0].startswith("halia_hook")
            assert now[1:] == (chain or [now[0].replace("hook", "tail")])
        for vid, chains in before.vlans[dp].items():
            for was, now in zip(chains, after.vlans[dp][vid], strict=True):
                assert now in (was, ["halia_vlan"], ["halia_out"])
                assert not was or now == was
