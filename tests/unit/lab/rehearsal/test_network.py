from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import dpkt
import pytest

from plugin.lab.rehearsal.network import ASKED_TIMES, KNOWN_SECONDS
from tests.rehearsals import H2, M1, OUTSIDE, TOPOLOGY, play

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.lab.rehearsal.loop import Loop

ARP = dpkt.ethernet.ETH_TYPE_ARP


def packed(address: str) -> bytes:
    return bytes(map(int, address.split(".")))


async def found(loop: Loop, address: str, pause: float = 0.0) -> str | None:
    await asyncio.sleep(pause)
    owner = await loop.network.find(loop.network.stations["h1"], packed(address))
    return None if owner is None else owner.name


def test_a_neighbour_is_asked_for_once_and_believed_for_a_while(tmp_path: Path) -> None:
    async def look(loop: Loop) -> list[str | None]:
        pauses = (0.0, KNOWN_SECONDS[0] - 1, KNOWN_SECONDS[1] + 1)
        return [await found(loop, H2, pause) for pause in pauses]

    (names,), frames = play(tmp_path / "a", ("h1", look))
    assert names == ["h2"] * 3
    assert [(frame.data.op, frame.dst == b"\xff" * 6) for frame in frames] == [
        (1, True), (2, False), (1, False), (2, False)
    ]  # fmt: skip
    assert frames[0].data.tpa == frames[1].data.spa == packed(H2)


def test_what_is_outside_is_had_by_the_router(tmp_path: Path) -> None:
    async def look(loop: Loop) -> list[str | None]:
        return [await found(loop, OUTSIDE), await found(loop, "203.0.113.77")]

    (names,), frames = play(tmp_path / "a", ("h1", look))
    assert names == ["outside", None]
    assert {frame.data.tpa for frame in frames[::2]} == {packed("10.0.0.1")}


def test_nobody_is_asked_for_in_vain_and_then_given_up(tmp_path: Path) -> None:
    async def look(loop: Loop) -> float:
        with pytest.raises(OSError, match="nobody has this address"):
            await found(loop, "10.0.0.99")
        return loop.time()

    (lasted,), frames = play(tmp_path / "a", ("h1", look))
    assert lasted == ASKED_TIMES
    assert [frame.data.op for frame in frames] == [1] * ASKED_TIMES


def test_what_stays_behind_one_port_passes_no_switch(tmp_path: Path) -> None:
    async def send(loop: Loop) -> None:
        network = loop.network
        here, there = network.stations["m1"].ip, network.stations["m2"].ip
        network.pass_on(0.0, (here, there), 17, bytes(8))
        network.pass_on(0.0, (here, network.stations["h1"].ip), 17, bytes(8))
        network.pass_on(0.0, (network.stations["h1"].ip, packed("203.0.113.7")), 17, bytes(8))

    _, frames = play(tmp_path / "a", ("m1", send))
    assert [frame.data.src for frame in frames] == [packed(M1), packed("10.0.0.11")]
    assert frames[1].dst.hex(":") == TOPOLOGY.host("outside").mac


def test_ports_of_clients_come_round(tmp_path: Path) -> None:
    async def ports(loop: Loop) -> list[int]:
        station = loop.network.stations["h1"]
        station.next_port = 60_998
        return [station.free_port() for _ in range(3)]

    (found_ports,), _ = play(tmp_path / "a", ("h1", ports))
    assert found_ports == [60_999, 32_768, 32_769]
