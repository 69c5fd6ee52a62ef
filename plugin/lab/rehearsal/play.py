"""A rehearsal from its beginning to its end, as a capture."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING

from plugin.errors import LabError
from plugin.lab import device
from plugin.lab.rehearsal.loop import HERE, Loop
from plugin.lab.rehearsal.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from plugin.lab.topology import Topology

BEGAN = 1_700_000_000
"""When every rehearsal is said to begin, seconds since 1970: the same seed gives the same file."""


def rehearse(topology: Topology, seconds: float, path: Path) -> int:
    """Let all hosts of a lab live for a while, at once; gives the number of frames.

    Args:
        topology: of one switch and one VLAN (offices made by chance are). The operator's ACLs do
            nothing.
        seconds: of the hosts' time.
        path: pcap file of what passes the switch, each frame once, its first bytes only.

    Raises:
        LabError: it has more than one switch.
    """
    if len(topology.switches) != 1:
        raise LabError("only a lab with one switch can be rehearsed", where=topology.name)
    with Tape(path, BEGAN, seconds) as tape:
        loop = Loop(topology, tape)
        try:
            loop.run_until_complete(_live(loop, topology, seconds))
        finally:
            loop.close()
    return tape.frames


async def _live(loop: Loop, topology: Topology, seconds: float) -> None:
    lives = [_begun(loop, topology, name) for name in loop.network.stations]
    await asyncio.sleep(seconds)
    # What hosts were doing when the curtain fell is not played on.
    await _ended({*lives, *asyncio.all_tasks()} - {asyncio.current_task()})


def _begun(loop: Loop, topology: Topology, name: str) -> asyncio.Task[None]:
    context = contextvars.copy_context()
    context.run(HERE.set, name)
    return loop.create_task(device.live(topology, name), context=context)


async def _ended(tasks: Iterable[asyncio.Task[object] | None]) -> None:
    for task in tasks:
        if task is not None:
            task.cancel()
    await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)
