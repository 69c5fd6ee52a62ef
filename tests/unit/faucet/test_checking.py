"""Faucet's real parser kept ready in a process: the same verdicts as its own program's."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.errors import PeerError
from plugin.faucet import checking
from plugin.faucet.check import check, find_checker
from plugin.faucet.checking import Checking, interpreter
from tests.checker import environment
from tests.labs import wait_for

ROOT = Path("/somewhere/faucet.yaml")
OURS = Path("/somewhere/halia_isolation.yaml")
OTHER = Path("/somewhere/more.yaml")
TEXT = (
    "include-optional: [halia_isolation.yaml]\nvlans: {v: {vid: 1}}\n"
    "dps: {s: {dp_id: 1, interfaces: {1: {native_vlan: v, acls_in: [halia_hook]}}}}\n"
    "acls: {halia_hook: [{rule: {actions: {allow: 1}}}]}\n"
)
GOOD = "acls: {halia_hook: [{rule: {dl_type: 2, actions: {allow: 1}}}]}"
CORPUS: dict[str, dict[Path, str]] = {
    "good": {ROOT: TEXT, OURS: GOOD},
    "no file but the root": {ROOT: TEXT},
    "an optional one that we do not write is skipped": {
        ROOT: TEXT.replace("[halia_iso", "[nothing.yaml, halia_iso"),
        OURS: GOOD,
    },
    "an include that is needed is there": {ROOT: f"include: [more.yaml]\n{TEXT}", OTHER: GOOD},
    "an include that is needed is not there": {ROOT: f"include: [more.yaml]\n{TEXT}"},
    "another include is broken": {
        ROOT: TEXT.replace("[halia_iso", "[more.yaml, halia_iso"),
        OTHER: "x: [",
        OURS: GOOD,
    },
    "unknown field in the root": {ROOT: TEXT.replace("native_vlan", "nativ_vlan"), OURS: GOOD},
    "unknown action": {ROOT: TEXT, OURS: "acls: {halia_hook: [{rule: {actions: {alow: 1}}}]}"},
    "broken YAML": {ROOT: TEXT, OURS: "acls: {halia_hook: ["},
    "broken YAML in the root": {ROOT: "dps: {", OURS: GOOD},
    "duplicate keys": {ROOT: TEXT, OURS: f"{GOOD}\n{GOOD}"},
    "empty": {ROOT: TEXT, OURS: ""},
    "empty root": {ROOT: "", OURS: GOOD},
    "unknown top key": {ROOT: TEXT, OURS: "acl: {}"},
    "a list at top level": {ROOT: TEXT, OURS: "[1]"},
    "a list at the root's top level": {ROOT: "[1]"},
    "missing ACL": {ROOT: TEXT.replace("[halia_hook]", "[halia_hook, nothing]"), OURS: GOOD},
    "an ACL without rules": {ROOT: TEXT, OURS: "acls: {halia_hook: []}"},
    "bad MAC": {
        ROOT: TEXT,
        OURS: "acls: {halia_hook: [{rule: {dl_src: 'x', actions: {allow: 1}}}]}",
    },
    "mirror to nowhere": {
        ROOT: TEXT,
        OURS: "acls: {halia_hook: [{rule: {dl_type: 2, actions: {mirror: 9}}}]}",
    },
    "unknown meter": {
        ROOT: TEXT,
        OURS: "acls: {halia_hook: [{rule: {dl_type: 2, actions: {allow: 1, meter: m}}}]}",
    },
    "no ASCII, and a tab": {ROOT: TEXT, OURS: f"# Größe\n\t{GOOD}"},
}


@pytest.fixture(scope="module")
def checker() -> Path:
    return find_checker(environment())


@pytest.fixture
def ready(checker: Path) -> Iterator[Checking]:
    one = Checking(checker)
    one.start()
    assert one.ready
    yield one
    one.close()
    assert not one.ready


def no_program(*_: object, **__: object) -> None:
    pytest.fail("the checker's own program was run")


def test_verdicts_are_those_of_faucets_own_program(
    ready: Checking, monkeypatch: pytest.MonkeyPatch
) -> None:
    meant = {name: check(ready.checker, ROOT, files) for name, files in CORPUS.items()}
    assert 3 < sum(one.ok for one in meant.values()) < len(CORPUS) - 10
    monkeypatch.setattr(checking, "check", no_program)
    for name, files in [*CORPUS.items(), *reversed(CORPUS.items())]:
        found = ready.check(ROOT, files)
        assert found.ok is meant[name].ok, name
        assert "halia-check-" not in found.said
        assert bool(found.said) is not found.ok, name
        if "Traceback" not in found.said and "\n" not in meant[name].said:
            assert found.said == meant[name].said, name
    assert "has no attribute 'keys'" in ready.check(ROOT, CORPUS["a list at top level"]).said


def test_the_process_is_begun_anew_when_it_has_died(ready: Checking) -> None:
    assert ready._process is not None
    first = ready._process.pid
    os.kill(first, signal.SIGKILL)
    assert ready.check(ROOT, CORPUS["good"]).ok
    assert ready._process.pid != first


def test_the_process_is_begun_anew_after_many_checks_and_when_faucet_is_renewed(
    checker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "check_faucet_config"
    copy.write_bytes(checker.read_bytes())
    copy.chmod(0o755)
    one = Checking(copy)
    try:
        pids = []

        def checked() -> None:
            assert one.check(ROOT, CORPUS["good"]).ok
            assert one._process is not None
            pids.append(one._process.pid)

        checked()
        checked()
        os.utime(copy, (1, 1))
        checked()
        monkeypatch.setattr(checking, "CHECKS_MOST", 1)
        checked()
    finally:
        one.close()
    assert [pids.index(pid) for pid in pids] == [0, 0, 2, 3]


def fake(folder: Path, python: str) -> Path:
    """A checker that accepts everything, and a Python beside it that does what the shell says."""
    program = folder / "check_faucet_config"
    program.write_text("#!/bin/sh\nexit 0\n")
    beside = folder / "python3"
    beside.write_text(f"#!/bin/sh\n{python}\n")
    for file in (program, beside):
        file.chmod(0o755)
    return program


READY = """echo '{"ready": true}'"""


@pytest.mark.parametrize(
    "python",
    ["exit 1", "echo hello", f"{READY}\nread line\nexit 1", f"{READY}\nread line\necho '[1]'"],
    ids=["cannot import it", "says something else", "dies of each file", "answers nonsense"],
)
def test_else_the_program_itself_is_asked(tmp_path: Path, python: str) -> None:
    one = Checking(fake(tmp_path, python))
    one.start()
    assert one.check(ROOT, CORPUS["broken YAML"]).ok  # what only this program says
    assert one.check(ROOT, CORPUS["good"]).ok
    one.close()


def test_without_any_python_the_program_is_asked(tmp_path: Path) -> None:
    program = fake(tmp_path, "")
    (tmp_path / "python3").unlink()
    one = Checking(program)
    assert one.check(ROOT, CORPUS["good"]).ok
    program.unlink()
    with pytest.raises(PeerError, match="cannot be run"):
        one.check(ROOT, CORPUS["good"])


def test_a_parser_that_hangs_is_ended_and_begun_anew(tmp_path: Path) -> None:
    hangs = f"[ -e {tmp_path}/works ] || sleep 60\n{READY}\nread line\nsleep 60"
    one = Checking(fake(tmp_path, hangs), seconds=0.2)
    for _ in range(2):
        with pytest.raises(PeerError, match="no answer within"):
            one.check(ROOT, CORPUS["good"])
        assert not one.ready
        (tmp_path / "works").touch()
    one.close()


def test_closing_ends_a_check_that_works(tmp_path: Path) -> None:
    one = Checking(fake(tmp_path, f"{READY}\nread line\nexec sleep 600"))
    raised: list[PeerError] = []

    def checks() -> None:
        try:
            one.check(ROOT, CORPUS["good"])
        except PeerError as error:
            raised.append(error)

    thread = threading.Thread(target=checks)
    thread.start()
    wait_for(lambda: one._busy and one.ready, "a check that works")
    time.sleep(0.1)
    one.close()
    thread.join(30)
    assert not thread.is_alive()
    assert "is closed" in str(raised[0])
    with pytest.raises(PeerError, match="is closed"):
        one.check(ROOT, CORPUS["good"])


@pytest.mark.parametrize(
    ("first", "found"),
    [
        ("#!/opt/faucet/bin/python3.9\n", ["/opt/faucet/bin/python3.9"]),
        ("#!/usr/bin/env python3\n", ["/usr/bin/env", "python3"]),
        ("#!/bin/sh\n", None),
        ("\x7fELF", None),
        ("", None),
    ],
)
def test_the_python_is_that_of_the_first_line(
    tmp_path: Path, first: str, found: list[str] | None
) -> None:
    program = tmp_path / "check_faucet_config"
    program.write_text(first)
    assert interpreter(program) == found


def test_the_python_beside_it_serves_too(tmp_path: Path) -> None:
    assert interpreter(fake(tmp_path, "")) == [str(tmp_path / "python3")]
    assert interpreter(tmp_path / "nothing") is None
