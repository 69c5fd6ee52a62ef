"""The writer of our include in a lab, driven by a test: it wants, and is told how far that came."""

from __future__ import annotations

import json
import sys
import textwrap
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.lab.beside import PROBE
from tests.checker import environment
from tests.labs import wait_for

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from plugin.lab import Lab

_DRIVER = """
    import json, sys, threading, time
    from pathlib import Path
    from plugin.actions import Isolation, Place, parse_action
    from plugin.app.hooking import Hooking
    from plugin.app.inbox import Asked, Failed, Inbox
    from plugin.app.ways import Ways
    from plugin.app.worker import Worker
    from plugin.engine import events as ev
    from plugin.faucet.adapters import adapter_of
    from plugin.faucet.confrpc import ConfRpc
    from plugin.faucet.credentials import Credentials
    from plugin.faucet.mirror import MirrorSettings
    from plugin.faucet.remote import Remote

    root, environment, probe, adapter, page = sys.argv[1:]
    inbox = Inbox()
    if adapter.startswith("{"):
        found = json.loads(adapter)
        credentials = Credentials(*(Path(found[name]) for name in ("ca", "cert", "key")))
        remote = Remote(found["address"], credentials)
        more = {"pid": found["pid"], "kept": Path(found["kept"])}
        way = ConfRpc(Path(root), page=page, remote=remote, **more)
    else:
        way = adapter_of(adapter, Path(root), page=page)
    one = Hooking(Ways(Path(root), Path(environment), probe, way), MirrorSettings, inbox, list)

    def say(**body):
        print(json.dumps({"at": time.monotonic(), **body}), flush=True)

    def isolation(found):
        place = Place(*found["place"])
        action = parse_action(found["action"])
        return Isolation(cookie=found["cookie"], mac=found["mac"], action=action, place=place)

    def orders():
        for line in sys.stdin:
            inbox.put(json.loads(line))

    threading.Thread(target=orders, daemon=True).start()
    Worker("hooking", inbox, one.run).start()
    while True:
        for item in inbox.take(1.0):
            if isinstance(item, Asked):
                item.answer.set_result(item.question())
            elif isinstance(item, Failed):
                raise item.error
            elif isinstance(item, list):
                say(wanted=[found["cookie"] for found in item])
                one.want(tuple(map(isolation, item)), frozenset())
            elif isinstance(item, ev.Reported):
                report = item.report
                names = ("wanted", "written", "loaded", "proven", "absent")
                found = {name: sorted(getattr(report, name)) for name in names}
                strangers = [(s.mac, str(s.action)) for s in report.strangers]
                more = {"refused": list(report.refused.items()), "strangers": strangers}
                say(report=found, unproven=list(report.unproven.items()), **more,
                    problem=report.problem, shown=one.shown and one.shown._asdict())
            elif isinstance(item, (ev.Covered, ev.Noticed)):
                say(told=list(item.problems) if isinstance(item, ev.Covered) else [item.text])
"""


class Came(NamedTuple):
    """Seconds from a wish until it was that far."""

    written: float
    loaded: float
    proven: float


class Hooker:
    """The writer, in the lab."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self.program = program
        self.said: list[dict[str, Any]] = []
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def want(self, *isolations: dict[str, Any]) -> int:
        """Say what is to stand; give the place in ``said`` from which answers come."""
        assert self.program.stdin is not None
        asked = len(self.said)
        self.program.stdin.write(json.dumps(isolations) + "\n")
        self.program.stdin.flush()
        cookies = [one["cookie"] for one in isolations]

        def taken() -> int:
            for number in range(asked, len(self.said)):
                if self.said[number].get("wanted") == cookies:
                    return number + 1
            return 0

        return int(wait_for(taken, "a wish that is taken")) - 1

    def until(
        self, since: int, done: Callable[[dict[str, Any]], bool], what: str, patience: float = 60.0
    ) -> dict[str, Any]:
        """Wait for a report since then."""

        def there() -> dict[str, Any] | None:
            return next((s for s in self.said[since:] if "report" in s and done(s)), None)

        try:
            return dict(wait_for(there, what, patience))
        finally:
            if there() is None:
                print("the last words:", *self.said[-3:], sep="\n")

    def isolate(self, *isolations: dict[str, Any]) -> Came:
        """Have these isolated and nobody else; give the seconds until all are that far."""
        since = self.want(*isolations)
        cookies = sorted(one["cookie"] for one in isolations)

        def at(stage: str) -> float:
            def reached(said: dict[str, Any]) -> bool:
                found = said["report"]
                return bool(found["wanted"] == cookies and found[stage] == cookies)

            came = self.until(since, reached, f"{cookies} {stage}")
            return float(came["at"] - self.said[since]["at"])

        return Came(at("written"), at("loaded"), at("proven"))

    def release(self, *left: dict[str, Any], gone: int) -> float:
        """Have these isolated; give the seconds until somebody is proven free."""
        since = self.want(*left)
        came = self.until(since, lambda said: gone in said["report"]["absent"], f"{gone} absent")
        return float(came["at"] - self.said[since]["at"])

    def _read(self) -> None:
        assert self.program.stdout is not None
        while True:
            try:
                line = self.program.stdout.readline()
            except ValueError:  # closed by who ended the program
                return
            if not line.endswith("\n"):  # it was killed while it wrote
                return
            self.said.append(json.loads(line))


@contextmanager
def hooker(lab: Lab, adapter: str = "sighup", *, writable: bool = True) -> Iterator[Hooker]:
    """Start the writer where Faucet is; it stops with a signal that nobody can catch.

    Args:
        lab: Where.
        adapter: Its name, or what the adapter of faucetconfrpc needs, as JSON.
        writable: Whether it may write in Faucet's folder; else that is mounted read-only for it.
    """
    places = (str(lab.faucet_yaml), str(environment()), PROBE, adapter, lab.prometheus_url)
    words = [sys.executable, "-c", textwrap.dedent(_DRIVER), *places]
    if not writable:
        conf = lab.faucet_yaml.parent
        mounts = f"mount --bind '{conf}' '{conf}' && mount -o remount,bind,ro '{conf}'"
        words = ["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh", *words]
    with lab.start(None, words, stdin=-1, stdout=-1) as program:
        one = Hooker(program.popen)
        wait_for(lambda: any("report" in said for said in one.said), "a first report")
        yield one
