from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import dpkt
import pytest

from plugin.lab import clients, services
from plugin.lab.profiles import SERVICES
from plugin.lab.rehearsal.loop import UNREACHABLE
from tests.rehearsals import H2, OUTSIDE, play

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.lab.rehearsal.loop import Loop


@pytest.mark.parametrize("name", SERVICES)
def test_each_client_gets_what_it_wants_of_its_server(name: str, tmp_path: Path) -> None:
    place = H2 if name in services.DATAGRAMS else "0.0.0.0"  # noqa: S104 - of no host

    async def serve(_: Loop) -> None:
        async with services.serving(name, place, Random(1)) as port:
            assert port == SERVICES[name].port
            await asyncio.sleep(30)

    async def use(_: Loop) -> bool:
        return await clients.use(name, H2, Random(2))

    (_, worked), frames = play(tmp_path / "a", ("h2", serve), ("h1", use))
    assert worked
    assert [frame for frame in frames if isinstance(frame.data, dpkt.ip.IP)]


def test_days_pass_at_once(tmp_path: Path) -> None:
    async def wait(loop: Loop) -> float:
        await asyncio.sleep(86_400)
        return loop.time()

    (now,), _ = play(tmp_path / "a", ("h1", wait))
    assert now == 86_400


def test_datagrams_come_from_the_address_that_was_asked(tmp_path: Path) -> None:
    async def serve(_: Loop) -> None:
        async with services.serving("dns", OUTSIDE, Random(1)):
            await asyncio.sleep(5)

    async def use(_: Loop) -> bool:
        return await clients.use("dns", OUTSIDE, Random(2))

    (_, worked), frames = play(tmp_path / "a", ("outside", serve), ("h1", use))
    assert worked
    ours, theirs = (f.data for f in frames if isinstance(f.data, dpkt.ip.IP))
    assert (ours.dst, theirs.src) == (theirs.src, ours.dst)
    assert ours.data.sport == theirs.data.dport


def test_a_port_at_which_nobody_listens_says_so(tmp_path: Path) -> None:
    async def use(loop: Loop) -> bool:
        worked = await clients.use("gadget-call", H2, Random(2))
        await asyncio.sleep(1)
        del loop
        return worked

    (_,), frames = play(tmp_path / "a", ("h1", use))
    assert frames[-1].data.p == dpkt.ip.IP_PROTO_ICMP
    assert tuple(bytes(frames[-1].data.data)[:2]) == UNREACHABLE


def test_a_server_that_has_closed_listens_no_more(tmp_path: Path) -> None:
    async def serve(_: Loop) -> None:
        for name in ("web", "dns"):
            async with services.serving(name, H2, Random(1)):
                pass

    async def use(_: Loop) -> list[bool]:
        return [await clients.use(name, H2, Random(2)) for name in ("web", "dns")]

    (_, worked), _ = play(tmp_path / "a", ("h2", serve), ("h1", use))
    assert worked == [False, False]
