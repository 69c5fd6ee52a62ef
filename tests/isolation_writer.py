"""The real writer of the hook, as a program in a lab: it is told what is wanted, and reports.

Run as ``python -c "from tests.isolation_writer import main; main()" CONFIG ENVIRONMENT PAGE
PROBE``; wishes come as JSON lines on standard input, reports go to standard output.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.actions import Action, Isolation, Place, Report, Service
from plugin.app.hooking import Hooking
from plugin.app.inbox import Asked, Inbox
from plugin.app.ways import Ways
from plugin.engine import events as ev
from plugin.faucet.adapters import adapter_of
from plugin.faucet.mirror import MirrorSettings
from plugin.faucet.reach import Spot
from tests.checker import environment
from tests.labs import python, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import ExitStack

    from plugin.lab import Lab

PROBE = "127.0.0.1:6654"
PATIENCE = 60.0


class Told(NamedTuple):
    """One report."""

    at: float
    """Seconds of :func:`time.monotonic`."""
    report: Report


class Writer:
    """The program in a lab, which is up and has the hook."""

    def __init__(self, lab: Lab, stack: ExitStack, folder: Path) -> None:
        code = "from tests.isolation_writer import main; main()"
        where = str(lab.faucet_yaml), str(environment()), lab.prometheus_url, PROBE
        self._file, self._errors = folder / "writer.out", folder / "writer.err"
        out = stack.enter_context(self._file.open("w"))
        err = stack.enter_context(self._errors.open("w"))
        running = lab.start(None, python(code, *where), stdin=-1, stdout=out, stderr=err)
        self._popen = stack.enter_context(running).popen
        self._read = 0
        self._known: set[int] = set()
        self._last: Told | None = None

    def want(
        self, isolations: Iterable[Isolation], spots: Iterable[Spot], watched: Iterable[str] = ()
    ) -> Told:
        """Have this stand; gives the first report that it does and that nothing else does.

        Where nobody is isolated, nor was, and all are gone, nothing new is reported: it is the
        last report then.
        """
        wanted = tuple(isolations)
        cookies = {one.cookie for one in wanted}
        document = {
            "isolations": [_to_document(one) for one in wanted],
            "spots": [list(one) for one in spots],
            "watched": list(watched),
        }
        assert self._popen.stdin is not None
        self._read = self._file.stat().st_size
        self._popen.stdin.write(json.dumps(document) + "\n")
        self._popen.stdin.flush()
        gone = self._known - cookies
        last = self._last
        if last is not None and not cookies | last.report.wanted and gone <= last.report.absent:
            return last
        self._known |= cookies

        def stands(one: Report) -> bool:
            there = one.wanted == cookies and one.problem is None
            return there and one.proven | one.refused.keys() == cookies and gone <= one.absent

        self._last = self.until(stands, "a proof at the switches")
        return self._last

    def until(self, condition: Callable[[Report], bool], what: str) -> Told:
        """Wait for a report since the last wish."""

        def found() -> Told | None:
            assert self._popen.poll() is None, self._errors.read_text()
            return next((told for told in self._reports() if condition(told.report)), None)

        try:
            told: Told = wait_for(found, what, PATIENCE)
        except BaseException:
            print(self._file.read_text()[-1000:], self._errors.read_text()[-1000:])
            raise
        return told

    def _reports(self) -> Iterable[Told]:
        content = self._file.read_bytes()
        # What was half written when the wish came is about an earlier one.
        begin = content.find(b"\n", self._read - 1) + 1 if self._read else 0
        for line in content[begin:].split(b"\n")[:-1]:
            told = json.loads(line)
            yield Told(told["at"], _report(told))


def _report(told: Mapping[str, Any]) -> Report:
    return Report(
        wanted=frozenset(told["wanted"]),
        proven=frozenset(told["proven"]),
        absent=frozenset(told["absent"]),
        refused={int(cookie): why for cookie, why in told["refused"].items()},
        unproven={int(cookie): why for cookie, why in told["unproven"].items()},
        left_out={int(cookie): tuple(words) for cookie, words in told["left_out"].items()},
        problem=told["problem"],
    )


def _to_document(one: Isolation) -> dict[str, Any]:
    action = one.action
    return {
        "cookie": one.cookie,
        "mac": one.mac,
        "place": one.place,
        "addresses": one.addresses,
        "action": [action.kind, action.rate, action.vlan, action.redirect],
        "allow": action.allow,
    }


def _from_document(found: dict[str, Any]) -> Isolation:
    kind, rate, vlan, redirect = found["action"]
    allow = tuple(Service(*one) for one in found["allow"])
    return Isolation(
        cookie=found["cookie"],
        mac=found["mac"],
        action=Action(kind=kind, rate=rate, vlan=vlan, redirect=redirect, allow=allow),
        place=Place(*found["place"]),
        addresses=tuple(found["addresses"]),
    )


def main() -> None:
    """Do what is wanted until there is no more input."""
    config, faucet, page, probe = sys.argv[1:]
    inbox, spots = Inbox(), list[Spot]()
    adapter = adapter_of("sighup", Path(config), page=page)
    ways = Ways(Path(config), Path(faucet), probe, adapter)
    hooking = Hooking(ways, MirrorSettings, inbox, lambda: list(spots))
    threading.Thread(target=hooking.run, args=(threading.Event(),), daemon=True).start()
    threading.Thread(target=_listen, args=(inbox,), daemon=True).start()
    while True:
        for item in inbox.take(1.0):
            if isinstance(item, Asked):
                item.answer.set_result(item.question())
            elif isinstance(item, ev.Reported):
                print(json.dumps(_said(item.report)), flush=True)
            elif isinstance(item, dict):
                spots[:] = [Spot(*one) for one in item["spots"]]
                isolations = tuple(_from_document(one) for one in item["isolations"])
                hooking.want(isolations, frozenset(item["watched"]))
            elif item is None:
                return


def _listen(inbox: Inbox) -> None:
    for line in sys.stdin:
        inbox.put(json.loads(line))
    inbox.put(None)


def _said(report: Report) -> dict[str, Any]:
    sets: dict[str, Any] = {n: sorted(getattr(report, n)) for n in ("wanted", "proven", "absent")}
    maps = {n: dict(getattr(report, n)) for n in ("refused", "unproven", "left_out")}
    return sets | maps | {"problem": report.problem, "at": time.monotonic()}
