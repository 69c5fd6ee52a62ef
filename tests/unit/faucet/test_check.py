"""Faucet's own checker, the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.errors import FaucetFileError, PeerError
from plugin.faucet.check import check, find_checker, laid_out
from tests.checker import environment

ROOT = Path("/somewhere/faucet.yaml")
OURS = Path("/somewhere/halia_isolation.yaml")
TEXT = (
    "include-optional: [halia_isolation.yaml]\nvlans: {v: {vid: 1}}\n"
    "dps: {s: {dp_id: 1, interfaces: {1: {native_vlan: v, acls_in: [halia_hook]}}}}\n"
    "acls: {halia_hook: [{rule: {actions: {allow: 1}}}]}\n"
)


@pytest.fixture(scope="module")
def checker() -> Path:
    return find_checker(environment())


def test_what_faucet_takes_is_taken(checker: Path) -> None:
    good = "acls: {halia_hook: [{rule: {dl_type: 2, actions: {allow: 1}}}]}"
    assert check(checker, ROOT, {ROOT: TEXT, OURS: good}) == (True, "")


@pytest.mark.parametrize(
    ("root", "ours", "said"),
    [
        (TEXT.replace("native_vlan", "nativ_vlan"), "acls: {}", "fields unknown"),
        (TEXT, "acls: {halia_hook: [{rule: {actions: {alow: 1}}}]}", "alow field unknown"),
        (TEXT, "acls: {halia_hook: [", "skipping optional include file: /somewhere/halia_isol"),
        (TEXT, "", "skipping optional include file"),
        (TEXT, "acl: {}", "unknown top level config items"),
        (TEXT, "[1]", "has no attribute 'keys'"),  # this would kill a running Faucet
    ],
)
def test_what_it_refuses_or_skips_is_refused_in_its_words(
    checker: Path, root: str, ours: str, said: str
) -> None:
    found = check(checker, ROOT, {ROOT: root, OURS: ours})
    assert not found.ok
    assert said in found.said
    assert "halia-check-" not in found.said


def test_a_checker_is_found_where_it_is_named(tmp_path: Path) -> None:
    folder = environment()
    assert find_checker(folder / "bin") == find_checker(folder)
    assert find_checker(folder / "bin" / "check_faucet_config").is_file()
    with pytest.raises(PeerError, match="nothing is written"):
        find_checker(tmp_path)


def test_no_checker_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PeerError, match="--faucet FOLDER"):
        find_checker()


def test_a_checker_that_hangs_or_cannot_run(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    with pytest.raises(PeerError, match="no answer within"):
        check(slow, ROOT, {ROOT: ""}, seconds=0.1)
    with pytest.raises(PeerError, match="cannot be run"):
        check(tmp_path / "none", ROOT, {ROOT: ""})


def test_no_room_to_lay_files_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    with pytest.raises(FaucetFileError, match="cannot be checked"), laid_out({}):
        pytest.fail("laid out nowhere")
