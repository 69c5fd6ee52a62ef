"""Small servers that speak real protocols on real ports; what they serve is made by chance."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import time
from typing import TYPE_CHECKING, cast

from plugin.lab import smb2, wire
from plugin.lab.profiles import SERVICES

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from random import Random

    Serve = Callable[[StreamReader, StreamWriter, Random], Awaitable[None]]
    Answer = Callable[[bytes, Random], bytes]

PAGE_BYTES = (400, 30_000)
MAIL_LINES_MAX = 10_000
IDLE_SECONDS = 60.0
_FRAME_MAX = 1 << 20


async def web(reader: StreamReader, writer: StreamWriter, chance: Random) -> None:
    """HTTP: a page of some size for each request."""
    await _http_body(reader)
    writer.write(wire.http_response(wire.noise(chance, chance.randint(*PAGE_BYTES))))


async def ipp(reader: StreamReader, writer: StreamWriter, chance: Random) -> None:
    """IPP: a printer's state for each request."""
    body = await _http_body(reader)
    writer.write(wire.http_response(wire.ipp_response(body, chance), "application/ipp"))


async def jetdirect(reader: StreamReader, writer: StreamWriter, _: Random) -> None:
    """Raw printing: takes jobs, answers questions of PJL."""
    while part := await reader.read(65_536):
        if b"@PJL INFO STATUS" in part:
            writer.write(
                b'@PJL INFO STATUS\r\nCODE=10001\r\nDISPLAY="Ready"\r\nONLINE=TRUE\r\n\x0c'
            )
            await writer.drain()


async def ssh(reader: StreamReader, writer: StreamWriter, chance: Random) -> None:
    """SSH: banner and key exchange in the clear, then what looks like an encrypted session."""
    writer.write(wire.SSH_BANNER)
    await reader.readline()
    writer.write(wire.ssh_kexinit(chance))
    while part := await reader.read(32_768):
        writer.write(wire.noise(chance, max(36, len(part) * chance.randint(1, 6))))
        await writer.drain()


async def smb(reader: StreamReader, writer: StreamWriter, chance: Random) -> None:
    """SMB2: answers each command; a READ gets as many bytes as it asks for."""
    while True:
        size = int.from_bytes(await reader.readexactly(4))
        if size > _FRAME_MAX:
            return
        message = await reader.readexactly(size)
        found = smb2.command_of(message)
        if found is None:
            return
        body = smb2.answer(message, chance)
        writer.write(smb2.message(found[0], body, number=found[1], response=True))
        await writer.drain()


async def smtp(reader: StreamReader, writer: StreamWriter, _: Random) -> None:
    """SMTP: takes mail and says so."""
    writer.write(b"220 mail.lab ESMTP\r\n")
    while line := (await reader.readline()).strip().upper():
        word = line[:4]
        if word == b"DATA":
            writer.write(b"354 go ahead\r\n")
            for _line in range(MAIL_LINES_MAX):
                if (await reader.readline()) in {b".\r\n", b""}:
                    break
            writer.write(b"250 2.0.0 queued\r\n")
        elif word == b"EHLO":
            writer.write(b"250-mail.lab\r\n250-SIZE 10240000\r\n250 8BITMIME\r\n")
        elif word == b"QUIT":
            writer.write(b"221 2.0.0 bye\r\n")
            return
        else:
            writer.write(b"250 2.1.0 ok\r\n")


async def imap(reader: StreamReader, writer: StreamWriter, chance: Random) -> None:
    """IMAP: a user is let in if the password is right; his mailbox holds what chance gives."""
    writer.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
    while line := (await reader.readline()).strip():
        tag, _, rest = line.partition(b" ")
        verb = rest.split(b" ")[0].upper()
        if verb == b"LOGIN" and not rest.endswith(b" secret"):
            writer.write(tag + b" NO [AUTHENTICATIONFAILED] no\r\n")
        elif verb == b"FETCH":
            text = wire.noise(chance, chance.randint(300, 9000)).hex().encode()
            writer.write(b"* 1 FETCH (BODY[] {%d}\r\n%b)\r\n" % (len(text), text))
            writer.write(tag + b" OK done\r\n")
        else:
            writer.write(tag + b" OK done\r\n")
        if verb == b"LOGOUT":
            return


async def rdp(reader: StreamReader, writer: StreamWriter, chance: Random) -> None:
    """Remote desktop: the first handshake in the clear, then what looks like TLS."""
    await reader.readexactly(19)
    writer.write(wire.rdp_confirm())
    while part := await reader.read(4096):
        writer.write(wire.noise(chance, max(64, 2 * len(part))))
        await writer.drain()


async def gadget(reader: StreamReader, writer: StreamWriter, chance: Random) -> None:
    """A gadget's own protocol: each call is answered by its state."""
    while call := await reader.read(4096):
        writer.write(call[:18] + wire.noise(chance, 64))


def dns(query: bytes, chance: Random) -> bytes:
    """DNS: any name has an address of 203.0.113.0/24."""
    return wire.dns_answer(
        query, ipaddress.IPv4Address(0xCB007100 + chance.randrange(1, 255)).packed
    )


def ntp(query: bytes, _: Random) -> bytes:
    """NTP: the machine's own time."""
    if len(query) < 48 or query[0] & 7 != 3:
        return b""
    return wire.ntp_packet(4, time.time(), query[40:48])  # noqa: TID251 - what a time server tells


def silent(_: bytes, __: Random) -> bytes:
    """Syslog and a gadget's calls: taken, not answered."""
    return b""


STREAMS: Mapping[str, Serve] = {
    "web": web,
    "ipp": ipp,
    "jetdirect": jetdirect,
    "ssh": ssh,
    "smb": smb,
    "smtp": smtp,
    "imap": imap,
    "home": web,
    "rdp": rdp,
    "winrm": web,
    "gadget": gadget,
}
DATAGRAMS: Mapping[str, Answer] = {
    "dns": dns,
    "ntp": ntp,
    "syslog": silent,
    "gadget-call": silent,
}


class _Answering(asyncio.DatagramProtocol):
    """A datagram server: each datagram may get one in return."""

    def __init__(self, answer: Answer, chance: Random) -> None:
        self._answer, self._chance = answer, chance
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        text = self._answer(data, self._chance)
        if text and self._transport is not None:
            self._transport.sendto(text, addr)


@contextlib.asynccontextmanager
async def serving(
    name: str, address: str, chance: Random, port: int | None = None
) -> AsyncIterator[int]:
    """Serve inside the block.

    Args:
        name: one of `SERVICES`.
        address: where to listen; all of the host's addresses: 0.0.0.0.
        chance: what it serves.
        port: another port than the service's own; 0: any.

    Yields:
        The port.
    """
    number = SERVICES[name].port if port is None else port
    if name in DATAGRAMS:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Answering(DATAGRAMS[name], chance), local_addr=(address, number)
        )
        try:
            yield transport.get_extra_info("sockname")[1]
        finally:
            transport.close()
        return
    guests: set[asyncio.Task[None]] = set()

    def welcome(reader: StreamReader, writer: StreamWriter) -> None:
        guest = asyncio.create_task(_one(STREAMS[name], reader, writer, chance))
        guests.add(guest)
        guest.add_done_callback(guests.discard)

    async with await asyncio.start_server(welcome, address, number) as server:
        yield server.sockets[0].getsockname()[1]
        server.close()
        leaving = list(guests)
        for guest in leaving:
            guest.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)


async def _one(serve: Serve, reader: StreamReader, writer: StreamWriter, chance: Random) -> None:
    """Serve one client; whatever he does wrong ends his connection only."""
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            await serve(reader, writer, chance)
            await writer.drain()
    except (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError):
        pass
    finally:
        await hang_up(writer)


async def hang_up(writer: StreamWriter) -> None:
    """Close a connection and see it closed; the peer may have been quicker."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _http_body(reader: StreamReader) -> bytes:
    """Read a request; give its body (ValueError if its head is wrong)."""
    head = await reader.readuntil(b"\r\n\r\n")
    size = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            size = int(value)
    return await reader.readexactly(min(size, _FRAME_MAX))
