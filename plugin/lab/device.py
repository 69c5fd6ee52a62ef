"""One host's life: its servers, and its clients at times that chance and its profile give."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING

from plugin.lab import clients, services
from plugin.lab.profiles import serves, targets, uses

if TYPE_CHECKING:
    from random import Random

    from plugin.lab.profiles import Use
    from plugin.lab.topology import Topology

EVERYWHERE = "0.0.0.0"  # noqa: S104 - all addresses of a namespace's own
FIRST_SECONDS = 2.0
"""A client's first use comes at most so late, however rare it is after that."""


def has_work(topology: Topology, name: str) -> bool:
    """Whether a host serves or uses anything."""
    host = topology.host(name)
    return bool(host.addresses) and bool(serves(host) or uses(host))


def run(topology: Topology, name: str) -> None:
    """Live as a host, in its network namespace, for ever."""
    asyncio.run(live(topology, name))


async def live(topology: Topology, name: str) -> None:
    """Serve and use until cancelled."""
    host = topology.host(name)
    open_ones = contextlib.AsyncExitStack()
    for service in serves(host):
        chance = chance_of(topology, name, service)
        # Datagrams have a socket for each address: an answer must come from the one asked.
        datagrams = service in services.DATAGRAMS
        own = [str(address.ip) for address in host.addresses]
        for place in own if datagrams else [EVERYWHERE]:
            await open_ones.enter_async_context(services.serving(service, place, chance))
    jobs = [
        asyncio.create_task(_client(topology, name, use, places))
        for use in uses(host)
        if (places := targets(topology, host, use.service))
    ]
    async with open_ones:
        await asyncio.gather(*jobs, asyncio.Event().wait())


def chance_of(topology: Topology, name: str, service: str) -> Random:
    """Give the chance of one host and service: the same for the same seed, whatever others do."""
    return random.Random(f"{topology.seed}/{name}/{service}")  # noqa: S311 - no secret


def waits(use: Use, pace: float, chance: Random) -> tuple[float, float]:
    """Give the seconds before the first use, and those before the next one."""
    spread = chance.uniform(1 - use.jitter, 1 + use.jitter)
    return chance.uniform(0, min(use.every / pace, FIRST_SECONDS)), use.every * spread / pace


async def _client(topology: Topology, name: str, use: Use, places: tuple[str, ...]) -> None:
    chance = chance_of(topology, name, f"use/{use.service}")
    first, _ = waits(use, topology.pace, chance)
    await asyncio.sleep(first)
    while True:
        _, pause = waits(use, topology.pace, chance)
        await asyncio.gather(
            asyncio.sleep(pause),
            clients.use(use.service, chance.choice(places), chance, host=name),
        )
