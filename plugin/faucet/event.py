"""Faucet's event feed: bytes in, events out. Pure; no bytes whatever can make it raise.

One JSON object a line. The keys beside the header name the kind; absent fields are normal,
unknown ones are ignored, and what is torn or foreign comes out as :class:`Garbage`.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin import events as e

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LINE_BYTES_MAX = 1 << 16
"""A longer line is no event: PORTS_STATUS of a thousand ports has 12 kB."""
SAMPLE_CHARACTERS = 80
_HEADER = frozenset(("version", "time", "dp_id", "dp_name", "event_id"))
_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
_BEGIN = b'{"version"'
"""What every event of Faucet's begins with."""
_NO_JSON = "no JSON"
_DEPTH_MAX = 64
"""Brackets deeper than this are no event of Faucet's, and never reach the JSON parser."""


class _Header(NamedTuple):
    time: float
    dp_id: int
    dp_name: str
    event_id: int


class _Field:
    """Reads the fields of one object; ValueError names the one that is wrong."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def number(self, name: str) -> int:
        found = self.optional_number(name)
        if found is None:
            raise ValueError(f"no {name}")
        return found

    def optional_number(self, name: str) -> int | None:
        found = self._fields.get(name)
        if found is None:
            return None
        if type(found) is not int or not 0 <= found < 1 << 64:
            raise ValueError(f"{name} is no number")
        return found

    def text(self, name: str) -> str:
        found = self._fields.get(name)
        if found is None:
            return ""
        if not isinstance(found, str):
            raise ValueError(f"{name} is no text")  # noqa: TRY004  # one error for all fields
        return found

    def flag(self, name: str) -> bool:
        found = self._fields.get(name)
        if type(found) is not bool:
            raise ValueError(f"{name} is neither true nor false")
        return found

    def mac(self, name: str) -> str:
        found = self.optional_mac(name)
        if found is None:
            raise ValueError(f"no {name}")
        return found

    def optional_mac(self, name: str) -> str | None:
        found = self._fields.get(name)
        if found is None:
            return None
        if not isinstance(found, str) or not _MAC.fullmatch(found):
            raise ValueError(f"{name} is no MAC address")
        return found.lower()

    def address(self, name: str) -> str | None:
        """Give an IP address; Faucet writes the text ``None`` where a frame had none."""
        found = self.text(name)
        return None if found in {"", "None"} else str(ipaddress.ip_address(found))


def parse_line(line: bytes) -> e.FaucetEvent | e.Garbage:
    """Turn one line of the feed (or one message of FAUCET.Event) into an event.

    Never raises: what is no event comes back as :class:`Garbage` with the reason.
    """
    if len(line) > LINE_BYTES_MAX:
        return _garbage("longer than any event", line)
    if line.count(b"{") + line.count(b"[") > _DEPTH_MAX and _depth(line) > _DEPTH_MAX:
        return _garbage("nested too deeply", line)
    try:
        document = json.loads(line)
    except ValueError:  # of the codec, of the JSON, of a number with too many digits
        return _garbage(_NO_JSON, line)
    if not isinstance(document, dict):
        return _garbage("no JSON object", line)
    try:
        return _event(document)
    except ValueError as error:
        return _garbage(str(error), line)


def _depth(line: bytes) -> int:
    """How deep brackets are nested; those within texts count too, which errs to the safe side."""
    depth = deepest = 0
    for byte in line:
        if byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest


def _event(document: Mapping[str, Any]) -> e.FaucetEvent:
    header = _header(document)
    kinds = [key for key in document if key not in _HEADER]
    kind = next((key for key in kinds if key in _PARSERS), None)
    if kind is None:
        if not kinds:
            raise ValueError("a header without an event")
        return e.Unused(**header._asdict(), kind=kinds[0])
    body = document[kind]
    if body is None:
        body = {}
    if not isinstance(body, dict):
        raise ValueError(f"{kind} is no object")  # noqa: TRY004  # it becomes Garbage, as all here
    return _PARSERS[kind](header, body)


def _header(document: Mapping[str, Any]) -> _Header:
    field = _Field(document)
    moment = _seconds(document.get("time"))
    return _Header(
        time=moment,
        dp_id=field.optional_number("dp_id") or 0,
        dp_name=field.text("dp_name"),
        event_id=field.optional_number("event_id") or 0,
    )


def _seconds(found: object) -> float:
    try:
        if isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found):
            return float(found)
    except OverflowError:  # a whole number that no float can hold
        pass
    raise ValueError("no time")


def _l2_learn(header: _Header, body: Mapping[str, Any]) -> e.FaucetEvent:
    field = _Field(body)
    return e.DeviceLearned(
        **header._asdict(),
        port=field.number("port_no"),
        previous_port=field.optional_number("previous_port_no"),
        vid=field.number("vid"),
        mac=field.mac("eth_src"),
        peer_mac=field.optional_mac("eth_dst"),
        eth_type=field.optional_number("eth_type"),
        address=field.address("l3_src_ip"),
        peer_address=field.address("l3_dst_ip"),
        stack=field.text("stack_descr") or None,
    )


def _l2_expire(header: _Header, body: Mapping[str, Any]) -> e.FaucetEvent:
    field = _Field(body)
    return e.DeviceExpired(
        **header._asdict(),
        port=field.number("port_no"),
        vid=field.number("vid"),
        mac=field.mac("eth_src"),
    )


def _l3_learn(header: _Header, body: Mapping[str, Any]) -> e.FaucetEvent:
    field = _Field(body)
    address = field.address("l3_src_ip")
    if address is None:
        raise ValueError("no l3_src_ip")
    return e.AddressLearned(
        **header._asdict(),
        port=field.number("port_no"),
        vid=field.number("vid"),
        mac=field.mac("eth_src"),
        address=address,
    )


def _port_change(header: _Header, body: Mapping[str, Any]) -> e.FaucetEvent:
    field = _Field(body)
    return e.PortChanged(
        **header._asdict(),
        port=field.number("port_no"),
        reason=field.text("reason"),
        state=field.optional_number("state"),
        up=field.flag("status"),
    )


def _ports_status(header: _Header, body: Mapping[str, Any]) -> e.FaucetEvent:
    field = _Field(body)
    if not all(
        name.isascii() and name.isdigit() and len(name) <= len("4294967295") for name in body
    ):
        raise ValueError("PORTS_STATUS names a port that is no number")
    up = tuple(sorted((int(name), field.flag(name)) for name in body))
    return e.PortsStatus(**header._asdict(), up=up)


def _dp_change(header: _Header, body: Mapping[str, Any]) -> e.FaucetEvent:
    return e.DatapathChanged(**header._asdict(), reason=_Field(body).text("reason"))


def _config_change(header: _Header, body: Mapping[str, Any]) -> e.FaucetEvent:
    """Two events share this name: one for each datapath, and one for Faucet as a whole."""
    field = _Field(body)
    if "success" not in body:
        return e.DatapathRestarted(**header._asdict(), restart=field.text("restart_type") or None)
    hashes = body.get("config_hash_info")
    info = _Field(hashes if isinstance(hashes, dict) else {})
    if not field.flag("success"):
        return e.ConfigRefused(**header._asdict(), error=info.text("error"))
    return e.ConfigLoaded(
        **header._asdict(), files=loaded_files(info.text("config_files"), info.text("hashes"))
    )


def loaded_files(paths: str, hashes: str) -> tuple[e.LoadedFile, ...]:
    """Pair Faucet's two comma lists; a path with a comma in it leaves none of them certain."""
    names, digests = paths.split(","), hashes.split(",")
    if len(names) != len(digests):
        return ()
    pairs = zip(names, digests, strict=True)
    return tuple(e.LoadedFile(path=name, sha256=digest) for name, digest in pairs if digest)


def _heartbeat(header: _Header, _body: Mapping[str, Any]) -> e.FaucetEvent:
    return e.Heartbeat(**header._asdict())


_PARSERS: dict[str, Callable[[_Header, Mapping[str, Any]], e.FaucetEvent]] = {
    "L2_LEARN": _l2_learn,
    "L2_EXPIRE": _l2_expire,
    "L3_LEARN": _l3_learn,
    "PORT_CHANGE": _port_change,
    "PORTS_STATUS": _ports_status,
    "DP_CHANGE": _dp_change,
    "CONFIG_CHANGE": _config_change,
    "EVENT_SOCK_HEARTBEAT": _heartbeat,
}


def _garbage(reason: str, line: bytes) -> e.Garbage:
    sample = ascii(line[:SAMPLE_CHARACTERS].decode("utf-8", "replace"))[1:-1]
    return e.Garbage(reason=reason, sample=sample)


class Feed:
    """A feed as a stream or as messages: watches the numbering, counts what it saw.

    One for each source and for the life of the program: a reconnection goes on with
    :meth:`end` and :meth:`receive` (or :meth:`message`), so that a gap across it is found.

    Args:
        raw: called with each event as its bytes came, without the end of the line, before the
            event is given; what is no event is not shown to it.
    """

    def __init__(self, raw: Callable[[bytes], None] = lambda _: None) -> None:
        self.events = 0
        self.garbage = 0
        self.missed = 0
        self.restarts = 0
        self._raw = raw
        self._rest = b""
        self._skipping = False
        self._last: tuple[int, float] | None = None

    def receive(self, piece: bytes) -> list[e.FeedItem]:
        """Take some bytes of the stream; give what is complete."""
        lines = (self._rest + piece).split(b"\n")
        self._rest = lines.pop()
        if self._skipping and lines:
            self._skipping = False
            del lines[0]
        items = [item for line in lines if line.strip() for item in self.line(line)]
        if len(self._rest) > LINE_BYTES_MAX:
            if not self._skipping:
                items.append(self._refuse(_garbage("longer than any event", self._rest)))
            self._rest, self._skipping = b"", True
        return items

    def message(self, body: bytes) -> list[e.FeedItem]:
        """Take one message of FAUCET.Event; give what is complete.

        Faucet's adapter makes a message of each line of whatever it has just read, so an event
        may come as two messages or more, and a message may be empty.
        """
        if not body.strip():
            return []
        found = parse_line(body)
        if not isinstance(found, e.Garbage):
            return [*self.end(), *self._accept(found, body)]
        if self._rest:
            whole = self._rest + body
            joined = parse_line(whole)
            if not isinstance(joined, e.Garbage):
                self._rest = b""
                return list(self._accept(joined, whole))
            if len(whole) <= LINE_BYTES_MAX and not body.startswith(_BEGIN):
                self._rest = whole
                return []
        items = self.end()
        if body.startswith(b"{") and len(body) <= LINE_BYTES_MAX and found.reason == _NO_JSON:
            self._rest = body
        else:
            items.append(self._refuse(found))
        return items

    def end(self) -> list[e.FeedItem]:
        """Say that the stream has ended: what is left of a line is torn."""
        torn, self._rest, self._skipping = self._rest, b"", False
        if not torn.strip():
            return []
        return [self._refuse(_garbage("torn: its end never came", torn))]

    def _refuse(self, garbage: e.Garbage) -> e.Garbage:
        self.garbage += 1
        return garbage

    def line(self, line: bytes) -> Iterator[e.FeedItem]:
        """Take one whole line."""
        found = parse_line(line)
        if isinstance(found, e.Garbage):
            yield self._refuse(found)
            return
        yield from self._accept(found, line)

    def _accept(self, event: e.FaucetEvent, line: bytes) -> Iterator[e.FeedItem]:
        self.events += 1
        self._raw(line)
        yield from self._sequence(event)
        yield event

    def _sequence(self, event: e.FaucetEvent) -> Iterator[e.FeedItem]:
        """Compare the number with the last one; a message that is delivered again tells nothing."""
        if event.event_id == 0:
            return
        last, moment = self._last or (0, event.time)
        if event.event_id <= last:
            if event.time <= moment:
                return
            self.restarts += 1
            yield e.FaucetRestarted(last=last)
            last = 0
        self._last = event.event_id, event.time
        missed = event.event_id - last - 1
        if missed:
            self.missed += missed
            yield e.FeedGap(missed=missed, before=event.event_id)
