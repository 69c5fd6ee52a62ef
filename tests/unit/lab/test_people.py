from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from plugin.errors import LabError
from plugin.lab import bad, device, people
from plugin.lab.schema import parse_topology
from tests.labs import QUIET

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[people.People]:
    """Hosts that flood the loopback of this machine's own network, if they do anything."""
    monkeypatch.setattr(people, "_enter", lambda _: None)
    monkeypatch.setattr(bad, "run", lambda _: signal.pause())
    monkeypatch.setattr(device, "run", lambda *_: signal.pause())
    text = QUIET.replace("10.0.0.11/24}", "10.0.0.11/24, profile: workstation}")
    made = people.People(parse_topology(text))
    yield made
    for host in made.topology.hosts:
        made.end(host.name)
        made.calm(host.name)


def test_only_who_has_work_begins(here: people.People) -> None:
    for name in ("h1", "h1", "h2"):
        here.begin(name)
    assert here.active("h1")
    assert not here.active("h2")
    here.end("h1")
    assert not here.active("h1")


def test_bad_until_calmed(here: people.People) -> None:
    told = here.turn_bad("h1", "flood", target="h2", rate=5)
    assert (told["target"], told["rate"]) == ("10.0.0.12", 5)
    assert here.bad("h1") == ["flood"]
    with pytest.raises(LabError, match="does 'flood' already"):
        here.turn_bad("h1", "flood")
    assert here.calm("h1") == {"host": "h1", "ended": ["flood"]}
    assert here.bad("h1") == []


def test_who_has_ended_is_collected(here: people.People) -> None:
    here.begin("h1")
    here.turn_bad("h2", "scan")
    for pid in (*here._active.values(), *here._bad.values()):
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert here.collect(pid)
    assert not here.active("h1")
    assert not here.bad("h2")
    assert not here.collect(1)


def test_a_fork_never_goes_on_as_its_parent(
    here: people.People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bad, "run", fail)
    here.turn_bad("h1", "flood")
    pid = here._bad["h1", "flood"]
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    assert ended.si_status == 1
    assert here.collect(pid)
