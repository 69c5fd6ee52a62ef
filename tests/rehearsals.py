"""A small lab in which tests let pieces of a rehearsal run, and what passed its switch."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

import dpkt

from plugin.lab.rehearsal.loop import HERE, Loop
from plugin.lab.rehearsal.tape import Tape
from plugin.lab.schema import parse_topology
from tests.labs import QUIET

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

TOPOLOGY = parse_topology(QUIET)
H1, H2, M1, M2, OUTSIDE = "10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14", "198.51.100.80"


def play(
    path: Path, *parts: tuple[str, Callable[[Loop], Coroutine[Any, Any, Any]]]
) -> tuple[list[Any], list[dpkt.ethernet.Ethernet]]:
    """Let hosts do their parts, begun in this order; gives what came of them, and all frames."""
    with Tape(path, 0, 1e6) as tape:
        loop = Loop(TOPOLOGY, tape)
        tasks = []
        for host, part in parts:
            context = contextvars.copy_context()
            context.run(HERE.set, host)
            tasks.append(loop.create_task(part(loop), context=context))
        try:
            found = [loop.run_until_complete(task) for task in tasks]
        finally:
            loop.close()
    with path.open("rb") as stream:
        frames = [dpkt.ethernet.Ethernet(frame) for _, frame in dpkt.pcap.Reader(stream)]
    return found, frames
