from __future__ import annotations

import asyncio
import contextlib
import socket
from random import Random

import pytest

from plugin.lab import clients, services
from plugin.lab.profiles import SERVICES

HERE = "127.0.0.1"


async def _use(name: str) -> bool:
    async with services.serving(name, HERE, Random(1), port=0) as port:
        return await clients.use(name, HERE, Random(2), port=port)


@pytest.mark.parametrize("name", SERVICES)
def test_each_client_gets_what_it_wants_of_its_server(name: str) -> None:
    assert asyncio.run(_use(name))


@pytest.mark.parametrize("name", services.STREAMS)
def test_nonsense_ends_one_connection_only(name: str) -> None:
    async def talk() -> bool:
        async with services.serving(name, HERE, Random(1), port=0) as port:
            for junk in (b"\xff" * 40 + b"\r\n\r\n", b"", b"\0\0\0\x04abcd"):
                reader, writer = await asyncio.open_connection(HERE, port)
                writer.write(junk)
                writer.write_eof()
                with contextlib.suppress(ConnectionError):
                    await asyncio.wait_for(reader.read(-1), 20)
                await services.hang_up(writer)
            return await clients.use(name, HERE, Random(2), port=port)

    assert asyncio.run(talk())


def test_a_wrong_password_is_refused() -> None:
    async def login(password: bytes) -> bytes:
        async with services.serving("imap", HERE, Random(1), port=0) as port:
            reader, writer = await asyncio.open_connection(HERE, port)
            writer.write(b"a LOGIN anna " + password + b"\r\nb LOGOUT\r\n")
            text = await reader.read(-1)
            await services.hang_up(writer)
            return text

    assert b"a NO [AUTHENTICATIONFAILED]" in asyncio.run(login(b"guess1"))
    assert b"a OK" in asyncio.run(login(clients.PASSWORD.encode()))


def test_time_servers_do_not_answer_what_is_no_question() -> None:
    assert services.ntp(bytes(48), Random(1)) == b""
    assert services.ntp(b"\x23", Random(1)) == b""


def test_a_server_that_is_away_is_no_error() -> None:
    with socket.socket() as free:
        free.bind((HERE, 0))
        port = free.getsockname()[1]
    assert asyncio.run(clients.use("web", HERE, Random(1), port=port)) is False
