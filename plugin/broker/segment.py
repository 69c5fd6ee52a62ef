"""The spool's files: messages one after the other, each with its length and CRC-32. Pure.

A record says its length twice, in its head and by its parts, so what is no head is told from one,
and where a length is damaged the next record can be looked for.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

from plugin.broker.message import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = struct.Struct("<II")  # bytes of the record behind it, CRC-32 of them
_SIZES = struct.Struct("<HHHI")  # exchange, routing key, id, body
_LEAST = _HEAD.size + _SIZES.size
_LIKELY = re.compile(rb"(?s)(?!\0{4})(?=.{3}[\0\1].{13}[\0\1])")
"""Where a record of less than 32 MiB may begin: the first look is fast."""


class Part(NamedTuple):
    """Some bytes of a file."""

    place: int
    size: int
    whole: bool
    """They are one record that is as it was written."""
    cut: bool = False
    """They are the beginning of a record at the file's end, as a crash leaves it."""


def pack(message: Message) -> bytes:
    """Make the record of a message."""
    texts = [part.encode() for part in message[:3]]
    content = b"".join((_SIZES.pack(*map(len, texts), len(message.body)), *texts, message.body))
    return _HEAD.pack(len(content), zlib.crc32(content)) + content


def unpack(record: bytes) -> Message | None:
    """Read a record; None: it is damaged."""
    if not _is_whole(record, 0, len(record)):
        return None
    parts, at = [], _LEAST
    for size in _SIZES.unpack_from(record, _HEAD.size):
        parts.append(record[at : at + size])
        at += size
    exchange, key, identity = (part.decode() for part in parts[:3])
    return Message(exchange, key, identity, parts[3])


def parts(content: bytes) -> Iterator[Part]:
    """Tell a file's whole records and what is damaged between them; together they are all of it."""
    place = 0
    while place < len(content):
        size = _length(content, place)
        if _is_whole(content, place, size):
            yield Part(place, size, whole=True)
        elif 0 < size <= len(content) - place:
            yield Part(place, size, whole=False)
        else:
            end = _next(content, place + 1)
            cut = end == len(content) and (size > 0 or end - place < _LEAST)
            size = end - place
            yield Part(place, size, whole=False, cut=cut)
        place += size


def _length(content: bytes, place: int) -> int:
    """Bytes of the record that begins there, as it says; 0 if none begins there."""
    if place + _LEAST > len(content):
        return 0
    size: int = _HEAD.unpack_from(content, place)[0]
    if size != _SIZES.size + sum(_SIZES.unpack_from(content, place + _HEAD.size)):
        return 0
    return _HEAD.size + size


def _is_whole(content: bytes, place: int, size: int) -> bool:
    if not size or size != _length(content, place) or place + size > len(content):
        return False
    crc: int = _HEAD.unpack_from(content, place)[1]
    return zlib.crc32(memoryview(content)[place + _HEAD.size : place + size]) == crc


def _next(content: bytes, place: int) -> int:
    """Where the next whole record begins; the end if there is none."""
    for found in _LIKELY.finditer(content, place):
        at = found.start()
        if _is_whole(content, at, _length(content, at)):
            return at
    return len(content)
