"""The writer of ``halia run`` by itself, told over a pipe what is to stand: run inside a lab.

A line in is a JSON list of isolations: ``[cookie, mac, switch, port]``, each a block. A line out is
a JSON object: when (``at``) so many were ``written``, ``loaded`` and ``proven``, and which of those
that were wanted before are ``absent``.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from plugin.actions import Action, Isolation, Place
from plugin.app.hooking import Hooking
from plugin.app.inbox import Asked, Inbox
from plugin.app.ways import Ways
from plugin.engine import events as ev
from plugin.faucet.adapters import adapter_of
from plugin.faucet.mirror import MirrorSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCK = Action(kind="block")
VID = 100


def isolations(told: Sequence[Sequence[int | str]]) -> tuple[Isolation, ...]:
    """Make what is wanted of a line."""
    return tuple(
        Isolation(
            cookie=int(cookie), mac=str(mac), action=BLOCK, place=Place(str(dp), int(port), VID)
        )
        for cookie, mac, dp, port in told
    )


def main(config: str, environment: str, probe: str, page: str, adapter: str) -> None:
    """Write until standard input ends."""
    root = Path(config)
    inbox = Inbox()
    ways = Ways(root, Path(environment), probe, adapter_of(adapter, root, page=page))
    hooking = Hooking(ways, MirrorSettings, inbox, list)
    stopping = threading.Event()
    writer = threading.Thread(target=hooking.run, args=(stopping,))
    writer.start()

    def listen() -> None:
        for line in sys.stdin:
            wanted = isolations(json.loads(line))
            hooking.want(wanted, frozenset())
        stopping.set()

    threading.Thread(target=listen, daemon=True).start()
    before: dict[str, object] = {}
    while writer.is_alive():
        for item in inbox.take(0.05):
            if isinstance(item, Asked):
                item.answer.set_result(item.question())
            elif isinstance(item, ev.Reported):
                report = item.report
                said = {
                    "wanted": sorted(report.wanted),
                    "written": len(report.written),
                    "loaded": len(report.loaded),
                    "proven": len(report.proven),
                    "absent": sorted(report.absent),
                    "problem": report.problem,
                    "refused": dict(report.refused),
                }
                if said != before:
                    before = said
                    print(json.dumps({"at": time.time(), **said}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
