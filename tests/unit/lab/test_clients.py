from __future__ import annotations

import asyncio
from random import Random

import pytest

from plugin.lab import clients, services

HERE = "127.0.0.1"


def test_a_silent_server_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "PATIENCE_SECONDS", 0.05)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        await services.hang_up(writer)

    async def use() -> bool:
        async with await asyncio.start_server(say_nothing, HERE, 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await clients.use("smtp", HERE, Random(1), port=port)

    assert asyncio.run(use()) is False


def test_a_print_job_is_as_large_as_chance_has_it() -> None:
    taken = bytearray()
    whole = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"ready")
        while part := await reader.read(65_536):
            taken.extend(part)
        whole.set()
        await services.hang_up(writer)

    async def use() -> None:
        async with await asyncio.start_server(take, HERE, 0) as server:
            port = server.sockets[0].getsockname()[1]
            assert await clients.use("jetdirect", HERE, Random(1), port=port)
            await whole.wait()

    asyncio.run(asyncio.wait_for(use(), 20))
    assert taken.endswith(b"\x1bE\x1b%-12345X")
    low, high = clients.JOB_BYTES
    assert low < len(taken) < high + 200
