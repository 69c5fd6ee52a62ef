"""Small clients: one use of a service each, as a person or a device would make it."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

from plugin.lab import smb2, wire
from plugin.lab.profiles import SERVICES
from plugin.lab.services import hang_up

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Awaitable, Callable, Mapping
    from random import Random

    Talk = Callable[[StreamReader, StreamWriter, Random], Awaitable[None]]
    Datagram = Callable[[str, Random], bytes]

PATIENCE_SECONDS = 10.0
READ_PARTS = (1, 12)
JOB_BYTES = (8_000, 150_000)
NAMES = ("www.lab.example", "files.lab.example", "mail.lab.example", "time.lab.example")
PASSWORD = "secret"  # noqa: S105 - the lab's mailboxes hold chance


async def web(reader: StreamReader, writer: StreamWriter, chance: Random) -> None:
    """Read a page."""
    path = f"/{chance.choice(('', 'news', 'map', 'list'))}?{chance.randrange(100)}"
    writer.write(wire.http_request("GET", chance.choice(NAMES), path))
    await reader.read(-1)


async def ipp(reader: StreamReader, writer: StreamWriter, _: Random) -> None:
    """Ask for a printer's state."""
    body = wire.ipp_request(wire.IPP_GET_PRINTER_ATTRIBUTES, "ipp://printer/ipp/print")
    writer.write(wire.http_request("POST", "printer:631", "/ipp/print", body, "application/ipp"))
    await reader.read(-1)


async def jetdirect(reader: StreamReader, writer: StreamWriter, chance: Random) -> None:
    """Print a document."""
    writer.write(wire.PJL_START + b"@PJL INFO STATUS\r\n")
    await reader.read(1024)
    job = wire.noise(chance, chance.randint(*JOB_BYTES))
    writer.write(b"@PJL ENTER LANGUAGE=PCL\r\n\x1bE" + job + b"\x1bE" + wire.PJL_START)
    await writer.drain()


async def ssh(reader: StreamReader, writer: StreamWriter, chance: Random) -> None:
    """Work in a session: keys typed, screens seen."""
    writer.write(wire.SSH_BANNER + wire.ssh_kexinit(chance))
    await reader.readline()
    for _ in range(chance.randint(3, 15)):
        writer.write(wire.noise(chance, chance.choice((36, 36, 52, 100))))
        await reader.read(32_768)
        await asyncio.sleep(chance.uniform(0.02, 0.4))


async def smb(reader: StreamReader, writer: StreamWriter, chance: Random) -> None:
    """Open a share and read a file."""
    parts = chance.randint(*READ_PARTS)
    reads = [(smb2.READ, part * smb2.PART_MAX) for part in range(parts)]
    opening = (smb2.NEGOTIATE, smb2.SESSION_SETUP, smb2.TREE_CONNECT, smb2.CREATE)
    steps = [(c, 0) for c in opening] + reads + [(smb2.CLOSE, 0), (smb2.LOGOFF, 0)]
    for number, (command, offset) in enumerate(steps):
        body = smb2.request(command, chance, offset=offset)
        writer.write(smb2.message(command, body, number=number))
        size = int.from_bytes(await reader.readexactly(4))
        await reader.readexactly(size)


async def smtp(reader: StreamReader, writer: StreamWriter, chance: Random) -> None:
    """Send a mail."""
    await reader.readline()
    text = wire.noise(chance, chance.randint(200, 12_000)).hex().encode()
    body = b"\r\n".join(text[i : i + 76] for i in range(0, len(text), 76))
    words = (b"EHLO lab", b"MAIL FROM:<a@lab.example>", b"RCPT TO:<b@lab.example>", b"DATA")
    for word in (*words, b"Subject: x\r\n\r\n" + body + b"\r\n.", b"QUIT"):
        writer.write(word + b"\r\n")
        while (await reader.readline())[3:4] == b"-":
            pass


async def imap(reader: StreamReader, writer: StreamWriter, _: Random) -> None:
    """Look for mail."""
    await reader.readline()
    login = f"LOGIN anna {PASSWORD}".encode()
    for number, word in enumerate((login, b"SELECT INBOX", b"FETCH 1 BODY[]", b"LOGOUT")):
        tag = b"a%d" % number
        writer.write(tag + b" " + word + b"\r\n")
        while line := await reader.readline():
            if line.startswith(tag):
                break


async def rdp(reader: StreamReader, writer: StreamWriter, chance: Random) -> None:
    """Look at a remote desktop for a moment."""
    writer.write(wire.rdp_request())
    await reader.readexactly(19)
    for _ in range(chance.randint(2, 6)):
        writer.write(wire.noise(chance, chance.randint(40, 300)))
        await reader.read(65_536)


async def gadget(reader: StreamReader, writer: StreamWriter, chance: Random) -> None:
    """Ask a gadget for its state."""
    for count in range(chance.randint(1, 5)):
        writer.write(wire.gadget_call(7, count))
        await reader.read(4096)


TALKS: Mapping[str, Talk] = {
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
DATAGRAMS: Mapping[str, Datagram] = {
    "dns": lambda _, chance: wire.dns_query(chance, chance.choice(NAMES)),
    "ntp": lambda *_: wire.ntp_packet(3, time.time()),  # noqa: TID251 - what is asked of a time server
    "syslog": wire.syslog_line,
    "gadget-call": lambda _, chance: wire.gadget_call(7, chance.randrange(1000)),
}
ANSWERED = {"dns", "ntp"}


async def use(
    name: str, address: str, chance: Random, *, host: str = "lab", port: int | None = None
) -> bool:
    """Use a service once.

    Args:
        name: one of `SERVICES`.
        address: where it is.
        chance: what is asked, and how much.
        host: who asks, where the protocol tells it.
        port: another port than the service's own.

    Returns:
        Whether it worked; a server that is away or silent is no error.
    """
    number = SERVICES[name].port if port is None else port
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            if name in DATAGRAMS:
                return await _ask(name, DATAGRAMS[name](host, chance), (address, number))
            reader, writer = await asyncio.open_connection(address, number)
            try:
                await TALKS[name](reader, writer, chance)
            finally:
                await hang_up(writer)
    except (OSError, EOFError, TimeoutError, ValueError):
        return False
    return True


async def _ask(name: str, datagram: bytes, place: tuple[str, int]) -> bool:
    """Send a datagram; wait for what comes back if the protocol answers."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, place)
        await loop.sock_sendall(sock, datagram)
        return name not in ANSWERED or bool(await loop.sock_recv(sock, 4096))
