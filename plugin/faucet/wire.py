"""The three messages of faucetconfrpc that we speak, as protobuf has them on the wire. Pure.

Texts and one flag: written by hand, they need neither generated code nor protobuf's runtime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = "/faucetconfserver.FaucetConfServer"
_NAME, _YAML, _MERGE = 1, 2, 3
_REPLY_YAML = 1
_NUMBER, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_FIXED = {_EIGHT: 8, _FOUR: 4}
_NUMBER_BYTES_MAX = 10


class WireError(ValueError):
    """Bytes that are no such message."""


def get_request(name: str) -> bytes:
    """Write ``GetConfigFileRequest``."""
    return _text(_NAME, name)


def set_request(name: str, text: str, *, merge: bool) -> bytes:
    """Write ``SetConfigFileRequest``; no keys are ever deleted by it."""
    flag = bytes((_MERGE << 3 | _NUMBER, 1)) if merge else b""
    return _text(_NAME, name) + _text(_YAML, text) + flag


def get_reply(content: bytes) -> str:
    """Read ``GetConfigFileReply``; fields of later releases are passed over.

    Raises:
        WireError: it is none.
    """
    found = b""
    for field, value in _fields(content):
        if field == _REPLY_YAML:
            found = value
    try:
        return found.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError("a text that is no UTF-8") from error


def _text(field: int, text: str) -> bytes:
    content = text.encode("utf-8")
    return bytes((field << 3 | _BYTES,)) + _number(len(content)) + content if content else b""


def _number(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits a byte
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _fields(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Give number and bytes of each field; of numbers, no bytes."""
    at = 0
    while at < len(content):
        tag, at = _read_number(content, at)
        kind, size = tag & 7, 0
        if kind == _NUMBER:
            _, at = _read_number(content, at)
        elif kind == _BYTES:
            size, at = _read_number(content, at)
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise WireError(f"a field of kind {kind}")
        if at + size > len(content):
            raise WireError("ends within a field")
        yield tag >> 3, content[at : at + size]
        at += size


def _read_number(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for number, byte in enumerate(content[at : at + _NUMBER_BYTES_MAX]):
        value |= (byte & 0x7F) << 7 * number
        if byte < 0x80:  # noqa: PLR2004 - the last one
            return value, at + number + 1
    raise WireError("a number without an end")
