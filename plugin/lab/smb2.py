"""SMB2 messages as MS-SMB2 lays them out: enough to open a share and read a file. Pure."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

MAGIC = b"\xfeSMB"
HEADER = struct.Struct("<4sHHIHHIIQIIQ16s")
NEGOTIATE, SESSION_SETUP, LOGOFF, TREE_CONNECT, CREATE, CLOSE, READ = 0, 1, 2, 3, 5, 6, 8
PART_MAX = 60_000
"""Bytes of a file that one READ gets at most."""
_RESPONSE = 1
_DIALECT = 0x0302
_FILE_ID = b"f" * 16
_TIMES = bytes(32)
_BODY = 64
"""Where the body begins, as the offsets in it count."""
_NTLM_FLAGS = 0x20080201  # Unicode, NTLM, extended session security, 128 bit


def message(command: int, body: bytes, *, number: int = 0, response: bool = False) -> bytes:
    """Give a message in its transport frame (MS-SMB2 2.1 and 2.2.1)."""
    flags = _RESPONSE if response else 0
    header = HEADER.pack(
        MAGIC, 64, 1, 0, command, 1, flags, 0, number, 0xFEFF, 1, 0x1001, bytes(16)
    )
    return struct.pack(">I", len(header) + len(body)) + header + body


def command_of(text: bytes) -> tuple[int, int] | None:
    """Give command and number of a message without its frame; None if it is none."""
    if len(text) < HEADER.size or not text.startswith(MAGIC):
        return None
    fields = HEADER.unpack_from(text)
    return fields[4], fields[8]


def request(command: int, chance: Random, *, offset: int = 0) -> bytes:
    """Give the body of a client's request; ``offset`` is that of a READ, in bytes."""
    if command == NEGOTIATE:
        dialects = struct.pack("<4H", 0x0202, 0x0210, 0x0300, _DIALECT)
        head = struct.pack("<HHHHI", 36, 4, 1, 0, 0x7F) + chance.randbytes(16)
        return head + bytes(8) + dialects
    if command == SESSION_SETUP:
        token = b"NTLMSSP\0" + struct.pack("<II", 1, _NTLM_FLAGS) + bytes(24)
        return struct.pack("<HBBIIHHQ", 25, 0, 1, 1, 0, _BODY + 24, len(token), 0) + token
    if command == TREE_CONNECT:
        path = "\\\\files\\share".encode("utf-16-le")
        return struct.pack("<HHHH", 9, 0, _BODY + 8, len(path)) + path
    if command == CREATE:
        name = f"report{chance.randrange(100)}.odt".encode("utf-16-le")
        head = struct.pack("<HBBIQQIIIII", 57, 0, 0, 2, 0, 0, 0x120089, 0x80, 7, 1, 0)
        return head + struct.pack("<HHII", _BODY + 56, len(name), 0, 0) + name
    if command == READ:
        fields = (49, 0x50, 0, PART_MAX, offset, _FILE_ID, 0, 0, 0, 0, 0)
        return struct.pack("<HBBIQ16sIIIHH", *fields) + b"\0"
    if command == CLOSE:
        return struct.pack("<HHI", 24, 0, 0) + _FILE_ID
    return struct.pack("<HH", 4, 0)


def answer(text: bytes, chance: Random) -> bytes:
    """Give the body of a server's answer to a message (empty if it is none)."""
    found = command_of(text)
    if found is None:
        return b""
    command = found[0]
    if command == NEGOTIATE:
        head = struct.pack("<HHHH", 65, 1, _DIALECT, 0) + chance.randbytes(16)
        sizes = struct.pack("<IIIIQQ", 0x7, 1 << 20, 1 << 20, 1 << 20, 0, 0)
        return head + sizes + struct.pack("<HHI", 0, 0, 0) + b"\0"
    if command == SESSION_SETUP:
        token = b"NTLMSSP\0" + struct.pack("<IHHII", 2, 0, 0, 56, _NTLM_FLAGS)
        token += chance.randbytes(8) + bytes(8) + struct.pack("<HHI", 0, 0, 56) + bytes(8)
        return struct.pack("<HHHH", 9, 0, _BODY + 8, len(token)) + token
    if command == TREE_CONNECT:
        return struct.pack("<HBBIII", 16, 1, 0, 0, 0, 0x1F01FF)
    if command == CREATE:
        head = struct.pack("<HBBI", 89, 0, 0, 1) + _TIMES
        return head + struct.pack("<QQII", 1 << 20, 1 << 20, 0x80, 0) + _FILE_ID + bytes(9)
    if command == READ:
        size = min(_read_size(text), PART_MAX)
        return struct.pack("<HBBIII", 17, 80, 0, size, 0, 0) + chance.randbytes(size)
    if command == CLOSE:
        return struct.pack("<HHI", 60, 0, 0) + _TIMES + struct.pack("<QQI", 0, 0, 0)
    return struct.pack("<HH", 4, 0)


def _read_size(text: bytes) -> int:
    """Give the bytes that a READ asks for; none if it is cut short."""
    if len(text) < _BODY + 8:
        return 0
    size: int = struct.unpack_from("<I", text, _BODY + 4)[0]
    return size
