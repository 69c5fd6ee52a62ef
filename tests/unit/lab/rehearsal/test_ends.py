from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import dpkt
import pytest

from plugin.lab.rehearsal.ends import ACK, FIN, PSH, RST, SEGMENT, SYN, End
from tests.rehearsals import H2, play

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from pathlib import Path

    from plugin.lab.rehearsal.loop import Loop

PORT = 80


def serving(answer: bytes) -> Any:
    async def serve(_: Loop) -> None:
        async def welcome(reader: StreamReader, writer: StreamWriter) -> None:
            await reader.readline()
            writer.write(answer)
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(welcome, "0.0.0.0", PORT):  # noqa: S104 - of no host
            await asyncio.sleep(5)

    return serve


async def asking(_: Loop) -> bytes:
    reader, writer = await asyncio.open_connection(H2, PORT)
    writer.write(b"please\n")
    text = await reader.read(-1)
    writer.close()
    await writer.wait_closed()
    return text


def segments(frames: list[Any]) -> list[tuple[int, int, Any]]:
    return [
        (frame.data.tcp.flags, frame.data.len - 40, frame.data.tcp)
        for frame in frames
        if isinstance(frame.data, dpkt.ip.IP) and frame.data.p == 6
    ]


def test_a_connection_from_its_first_to_its_last_segment(tmp_path: Path) -> None:
    answer = bytes(3 * SEGMENT)
    (_, text), frames = play(tmp_path / "a", ("h2", serving(answer)), ("h1", asking))
    assert text == answer
    found = segments(frames)
    flags = [flag for flag, _, _ in found]
    assert flags[:4] == [SYN, SYN | ACK, ACK, PSH | ACK]
    assert sum(size for flag, size, _ in found if not flag & SYN) == len(answer) + len(b"please\n")
    assert [flag for flag in flags if flag & FIN] == [FIN | ACK] * 2
    assert not [flag for flag in flags if flag & RST]
    assert flags[-1] == ACK
    first_own, first_other = found[0][2].seq, found[1][2].seq
    assert found[1][2].ack == first_own + 1
    last_ends = [tcp for flag, _, tcp in found if flag & FIN]
    assert last_ends[0].seq == first_other + 1 + len(answer)
    assert found[-1][2].ack in {last_ends[0].seq + 1, last_ends[1].seq + 1}


def test_who_asks_a_closed_port_is_refused(tmp_path: Path) -> None:
    async def ask(loop: Loop) -> None:
        with pytest.raises(ConnectionRefusedError):
            await asking(loop)

    _, frames = play(tmp_path / "a", ("h1", ask))
    assert [flag for flag, _, _ in segments(frames)] == [SYN, RST | ACK]


def test_who_asks_nobody_outside_asks_again_and_gives_up(tmp_path: Path) -> None:
    async def ask(_: Loop) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.open_connection("203.0.113.9", PORT), 10)

    _, frames = play(tmp_path / "a", ("h1", ask))
    found = segments(frames)
    assert [flag for flag, _, _ in found] == [SYN] * 4
    assert len({tcp.seq for _, _, tcp in found}) == 1


def test_who_hangs_up_on_a_speaker_resets_him(tmp_path: Path) -> None:
    async def leave(_: Loop) -> None:
        writer = (await asyncio.open_connection(H2, PORT))[1]
        writer.write(b"please\n")
        writer.transport.abort()
        writer.write(b"lost")
        assert writer.is_closing()
        await asyncio.sleep(1)

    _, frames = play(tmp_path / "a", ("h2", serving(b"x" * 5000)), ("h1", leave))
    flags = [flag for flag, _, _ in segments(frames)]
    assert RST | ACK in flags
    assert not [flag for flag in flags if flag & FIN]


def test_bytes_for_one_who_has_ended_are_refused(tmp_path: Path) -> None:
    async def hang_up(_: Loop) -> None:
        writer = (await asyncio.open_connection(H2, PORT))[1]
        writer.write(b"please\n")
        writer.close()
        await asyncio.sleep(1)

    _, frames = play(tmp_path / "a", ("h2", serving(b"x" * 50)), ("h1", hang_up))
    assert RST in [flag for flag, _, _ in segments(frames)]


def test_a_reader_who_is_slow_gets_all_in_the_end(tmp_path: Path) -> None:
    async def dawdle(_: Loop) -> int:
        reader, writer = await asyncio.open_connection(H2, PORT, limit=1000)
        writer.write(b"please\n")
        await asyncio.sleep(1)
        assert isinstance(writer.transport, End)
        size = 0
        while part := await reader.read(5000):
            size += len(part)
        writer.close()
        return size

    (_, size), _ = play(tmp_path / "a", ("h2", serving(bytes(200_000))), ("h1", dawdle))
    assert size == 200_000
