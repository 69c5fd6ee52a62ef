"""Commands of an operator, the control socket, the main thread, the real ledger, the journal.

All is real but the switches: what is wanted there is proven at once, or refused.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from plugin.actions import Isolation, Report
from plugin.app.clock import now
from plugin.app.daemon import Daemon
from plugin.app.deciding import Decisions
from plugin.app.inbox import Inbox
from plugin.app.keeping import Keeper
from plugin.app.service import EngineService
from plugin.audit.journal import Journal
from plugin.cli.main import main
from plugin.control.server import ControlServer
from plugin.control.service import answers
from plugin.engine import Engine
from plugin.engine import events as ev
from tests.apps import Noted
from tests.playbook import PORTS, START, A, B, found, learned, policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULE = (
    "{name: scanners, match: {behaviours: [horizontal-scan]}, action: quarantine, mode: enforce,"
    " approve: true}"
)
POLICY = policy(RULE, head="protect: {macs: ['" + B + "']}")


class Past:
    """A store that is not there yet."""

    def history(self, mac: str, most: int) -> list[dict[str, Any]]:
        del mac, most
        return []

    def cases(self) -> list[dict[str, Any]]:
        return []


class Site:
    """A daemon's main thread, and switches that do what they are told."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.inbox, self.engine = Inbox(), Engine()
        self.stands: dict[int, Isolation] = {}
        self.refusal: str | None = None

    def enforce(
        self, isolations: tuple[Isolation, ...], watched: frozenset[str], leaving: frozenset[int]
    ) -> None:
        """Prove at once what is wanted, and that what is not is gone."""
        del watched
        wanted = {one.cookie: one for one in isolations}
        gone = (frozenset(self.stands) | leaving) - frozenset(wanted)
        self.stands = wanted
        cookies = frozenset(wanted)
        if self.refusal is None:
            report = Report(
                wanted=cookies, written=cookies, loaded=cookies, proven=cookies, absent=gone,
                probing=True,
            )  # fmt: skip
        else:
            refused = dict.fromkeys(cookies, self.refusal)
            report = Report(wanted=cookies, absent=gone, probing=True, refused=refused)
        self.inbox.put(ev.Reported(report))

    def halia(self, *words: str) -> tuple[int, str, str]:
        code = main([*words, "--socket", str(self.folder / "s")])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def cases(self) -> list[tuple[int, str, str]]:
        lines = self.halia("decisions", "list", "--json")[1].splitlines()
        found = map(json.loads, lines)
        return [(one["number"], one["mac"], one["state"]) for one in found]

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        hands = Noted().hands()._replace(enforce=self.enforce)
        with Journal(self.folder / "journal") as journal:
            keeper = Keeper(journal, None, lambda _: None)
            daemon = Daemon(self.inbox, self.engine, keeper, hands, dict)
            for event in (ev.PolicyRead(POLICY), ev.Restored((), ()), PORTS,
                learned(after=now() - START),
                          learned(B, after=now() - START, port=2, address="10.0.0.2")):  # fmt: skip
                self.inbox.put(event)

            def turn() -> None:
                while not stop.is_set():
                    daemon.turn(0.01)

            thread = threading.Thread(target=turn)
            thread.start()
            decisions = Decisions(self.engine, daemon.ordered, now)
            service = EngineService(self.inbox, self.engine, dict, Past(), decisions)
            server = ControlServer(self.folder / "s", answers(service))
            server.start()
            try:
                yield
            finally:
                server.stop()
                stop.set()
                thread.join()


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Site]:
    one = Site(tmp_path, capsys)
    with one.running():
        yield one


WHY = ("--reason", "a test", "--yes", "--timeout", "10")


def test_isolated_extended_and_released(site: Site) -> None:
    words = ("--action", "limit:2M", "--for", "1h", *WHY)
    code, out, _ = site.halia("isolate", "10.0.0.1", *words)
    assert (code, "isolated; proven" in out) == (0, True), out
    assert [str(one.action) for one in site.stands.values()] == ["limit:2000k"]
    assert site.cases() == [(1, A, "isolated")]
    code, out, _ = site.halia("decisions", "extend", "1", "--for", "2d", "--reason", "x")
    assert (code, "ends in 1 d" in out or "ends in 2 d" in out) == (0, True), out
    code, out, _ = site.halia("devices", "show", A)
    assert "decision    case 1, limit:2000k: it is isolated" in out
    assert site.halia("isolate", A, *words)[0] == 0, "who orders the same takes it over"
    assert site.cases() == [(1, A, "isolated")]
    code, out, _ = site.halia("release", A, *WHY)
    assert (code, "released; proven" in out) == (0, True), out
    assert site.stands == {}
    assert site.halia("release", A, *WHY)[0] == 4, "it is not isolated"


def test_another_action_takes_the_place(site: Site) -> None:
    assert site.halia("isolate", A, "--action", "quarantine", "--until-released", *WHY)[0] == 0
    assert site.halia("isolate", A, "--action", "block", "--for", "1h", *WHY)[0] == 0
    assert [str(one.action) for one in site.stands.values()] == ["block"]
    assert site.cases() == [(2, A, "isolated")]
    assert site.halia("release", "--all", *WHY)[0] == 0
    assert site.stands == {}


def test_what_a_rule_asks_is_approved_or_denied(site: Site) -> None:
    site.inbox.put(ev.CaptureOpened(A, "one.pcap"))
    site.inbox.put(ev.Behaved(found(after=now() - START)))
    assert site.cases() == [(1, A, "pending")]
    code, out, _ = site.halia("policy", "explain", A)
    assert code == 0
    assert "the rule scanners decides" in out
    assert "halia decisions approve 1 --reason TEXT, or halia decisions deny 1" in out
    assert site.halia("decisions", "approve", "1", "--reason", "go")[0] == 0
    assert site.cases() == [(1, A, "isolated")]
    code, _, err = site.halia("decisions", "deny", "1", "--reason", "no")
    assert (code, "waits for no answer" in err) == (4, True)
    assert site.halia("release", A, *WHY)[0] == 0
    assert main(["audit", "show", A, "--journal", str(site.folder / "journal")]) == 0
    steps = site.capsys.readouterr().out
    assert "case 1 begins as pending (quarantine, rule scanners)" in steps
    assert "pending -> isolating" in steps
    assert "approved: go" in steps


def test_who_is_protected_is_isolated_by_nobody(site: Site) -> None:
    code, _, err = site.halia("isolate", B, "--action", "block", "--for", "1h", *WHY)
    assert (code, "is not isolated" in err) == (4, True), err
    assert site.stands == {}


def test_what_cannot_be_done_is_said_at_once(site: Site) -> None:
    site.refusal = "port 1 has an ACL of yours"
    code, out, _ = site.halia("isolate", A, "--action", "limit:1M", "--for", "1h", *WHY)
    assert (code, "cannot be done: port 1 has an ACL of yours" in out) == (4, True), out
    code, out, _ = site.halia("decisions", "show", "1")
    assert "but         cannot be done: port 1" in out
    assert site.halia("release", A, *WHY)[0] == 0


def test_nothing_is_frozen(site: Site) -> None:
    code, _, err = site.halia("decisions", "thaw", "--reason", "x")
    assert (code, "nothing is frozen" in err) == (4, True)
    code, _, err = site.halia("decisions", "extend", "9", "--for", "1h", "--reason", "x")
    assert (code, "case 9" in err) == (4, True)
