"""Lines of Faucet's feed become events; nothing that comes in can make the parser raise."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin import events as e
from plugin.faucet.event import LINE_BYTES_MAX, Feed, loaded_files, parse_line

HEADER = {"version": 1, "time": 12.5, "dp_id": 1, "dp_name": "sw1", "event_id": 7}
COMMON: dict[str, Any] = {"time": 12.5, "dp_id": 1, "dp_name": "sw1", "event_id": 7}
LEARN = {
    "port_no": 1,
    "previous_port_no": None,
    "vid": 100,
    "eth_src": "02:00:00:00:00:0A",
    "eth_dst": "ff:ff:ff:ff:ff:ff",
    "eth_type": 2054,
    "l3_src_ip": "10.0.0.1",
    "l3_dst_ip": "None",
}


def line(number: int = 7, moment: float = 12.5, **kinds: Any) -> bytes:
    document = {**HEADER, "event_id": number, "time": moment, **kinds}
    return json.dumps(document).encode() + b"\n"


def learned(**changed: Any) -> e.DeviceLearned:
    fields: dict[str, Any] = {
        "port": 1,
        "previous_port": None,
        "vid": 100,
        "mac": "02:00:00:00:00:0a",
        "peer_mac": "ff:ff:ff:ff:ff:ff",
        "eth_type": 2054,
        "address": "10.0.0.1",
        "peer_address": None,
        "stack": None,
    }
    return e.DeviceLearned(**{**COMMON, **fields, **changed})


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("L2_LEARN", LEARN, learned()),
        ("L2_LEARN", {**LEARN, "l3_src_ip": "None"}, learned(address=None)),
        ("L2_LEARN", {**LEARN, "l3_src_ip": "FE80::0:1"}, learned(address="fe80::1")),
        ("L2_LEARN", {**LEARN, "previous_port_no": 3}, learned(previous_port=3)),
        (
            "L2_LEARN",
            {**LEARN, "stack_descr": "remote DP sw2 Port 3", "new_key": [1]},
            learned(stack="remote DP sw2 Port 3"),
        ),
        (
            "L2_LEARN",  # the fewest fields that still name a device
            {"port_no": 1, "vid": 100, "eth_src": "02:00:00:00:00:0a"},
            learned(peer_mac=None, eth_type=None, address=None),
        ),
        (
            "L2_EXPIRE",
            {"port_no": 2, "vid": 100, "eth_src": "02:00:00:00:00:02"},
            e.DeviceExpired(**COMMON, port=2, vid=100, mac="02:00:00:00:00:02"),
        ),
        (
            "L3_LEARN",
            {"port_no": 2, "vid": 9, "eth_src": "02:00:00:00:00:02", "l3_src_ip": "10.0.0.2"},
            e.AddressLearned(**COMMON, port=2, vid=9, mac="02:00:00:00:00:02", address="10.0.0.2"),
        ),
        (
            "PORT_CHANGE",
            {"port_no": 2, "reason": "MODIFY", "state": 4, "status": True},
            e.PortChanged(**COMMON, port=2, reason="MODIFY", state=4, up=True),
        ),
        (
            "PORTS_STATUS",
            {"10": False, "9": True},
            e.PortsStatus(**COMMON, up=((9, True), (10, False))),
        ),
        ("DP_CHANGE", {"reason": "cold_start"}, e.DatapathChanged(**COMMON, reason="cold_start")),
        ("CONFIG_CHANGE", {"restart_type": "warm"}, e.DatapathRestarted(**COMMON, restart="warm")),
        ("CONFIG_CHANGE", {"restart_type": None}, e.DatapathRestarted(**COMMON, restart=None)),
        (
            "CONFIG_CHANGE",
            {"success": True, "config_hash_info": {"config_files": "/a,/b", "hashes": "1,2"}},
            e.ConfigLoaded(
                **COMMON,
                files=(e.LoadedFile(path="/a", sha256="1"), e.LoadedFile(path="/b", sha256="2")),
            ),
        ),
        ("CONFIG_CHANGE", {"success": True}, e.ConfigLoaded(**COMMON, files=())),
        (
            "CONFIG_CHANGE",
            {"success": False, "config_hash_info": {"config_files": "/a", "error": "bad"}},
            e.ConfigRefused(**COMMON, error="bad"),
        ),
        ("EVENT_SOCK_HEARTBEAT", None, e.Heartbeat(**COMMON)),
        ("DOT1X", {"port": 3}, e.Unused(**COMMON, kind="DOT1X")),
    ],
)  # fmt: skip
def test_each_kind(kind: str, body: Any, expected: e.FaucetEvent) -> None:
    assert parse_line(line(**{kind: body})) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"version": 1, "time": 1', "no JSON"),
        (b"\xff\xfe{}", "no JSON"),
        (b"[1]", "no JSON object"),
        (b"{}", "no time"),
        (b'{"time": true, "X": 1}', "no time"),
        (b'{"time": NaN, "X": 1}', "no time"),
        (b'{"time": 1%s, "X": 1}' % (b"0" * 400), "no time"),
        (b'{"time": 1%s, "X": 1}' % (b"0" * 5000), "no JSON"),
        (b'{"time": 1}', "a header without an event"),
        (b'{"time": 1, "dp_id": "x", "X": 1}', "dp_id is no number"),
        (b'{"time": 1, "L2_LEARN": [1]}', "L2_LEARN is no object"),
        (b'{"time": 1, "L2_LEARN": {}}', "no port_no"),
        (b'{"time": 1, "L2_EXPIRE": {"port_no": true}}', "port_no is no number"),
        (
            b'{"time": 1, "L2_EXPIRE": {"port_no": 1, "vid": 1, "eth_src": "x"}}',
            "eth_src is no MAC address",
        ),
        (
            b'{"time": 1, "PORT_CHANGE": {"port_no": 1, "status": "up"}}',
            "status is neither true nor false",
        ),
        (
            b'{"time": 1, "PORTS_STATUS": {"x": true}}',
            "PORTS_STATUS names a port that is no number",
        ),
        (b"[" * 1000, "nested too deeply"),
        (b"x" * (LINE_BYTES_MAX + 1), "longer than any event"),
    ],
)  # fmt: skip
def test_what_is_no_event_is_garbage(text: bytes, reason: str) -> None:
    found = parse_line(text)
    assert isinstance(found, e.Garbage)
    assert found.reason == reason
    assert found.sample.isascii()


def test_an_address_that_is_none_of_ours_to_guess_is_garbage() -> None:
    assert isinstance(parse_line(line(L2_LEARN={**LEARN, "l3_src_ip": "10.0.0"})), e.Garbage)


def test_lists_of_unequal_length_name_no_file() -> None:
    assert loaded_files("/a,b.yaml", "1") == ()
    assert loaded_files("", "") == ()


def test_pieces_are_joined_to_lines() -> None:
    whole = line(1, L2_LEARN=LEARN) + line(2, EVENT_SOCK_HEARTBEAT=None)
    feed = Feed()
    found = [item for i in range(len(whole)) for item in feed.receive(whole[i : i + 1])]
    assert [type(item) for item in found] == [e.DeviceLearned, e.Heartbeat]
    assert feed.end() == []
    assert (feed.events, feed.garbage, feed.missed) == (2, 0, 0)


def test_a_torn_line_is_counted_and_the_next_connection_starts_clean() -> None:
    feed = Feed()
    assert feed.receive(line(1, DP_CHANGE={})[:20]) == []
    assert [type(i) for i in feed.end()] == [e.Garbage]
    assert [type(i) for i in feed.receive(line(2, DP_CHANGE={}))] == [e.FeedGap, e.DatapathChanged]
    assert (feed.events, feed.garbage, feed.missed) == (1, 1, 1)


def test_a_line_without_end_is_dropped_once_and_the_feed_goes_on() -> None:
    feed = Feed()
    found = [item for _ in range(5) for item in feed.receive(b"x" * LINE_BYTES_MAX)]
    assert [type(i) for i in found] == [e.Garbage]
    assert [type(i) for i in feed.receive(b"x\n" + line(1, DP_CHANGE={}))] == [e.DatapathChanged]


def test_each_event_is_shown_as_it_came_and_nothing_else_is() -> None:
    shown: list[bytes] = []
    feed = Feed(shown.append)
    one, other = line(1, DP_CHANGE={}), b'{ "time":1.50,"event_id":2,"DP_CHANGE":{},"new":[1e3]}'
    feed.receive(one[:30])
    feed.receive(one[30:] + b"no event\n" + other + b"\n" + line(3, L2_LEARN={"port_no": "x"}))
    feed.receive(line(4, LAG_CHANGE={}) + one[:9])
    feed.end()
    assert shown == [one.rstrip(b"\n"), other, line(4, LAG_CHANGE={}).rstrip(b"\n")]


ROW = line(1, DP_CHANGE={}) + line(2, L2_LEARN=LEARN) + line(3, LAG_CHANGE=None)


@given(st.lists(st.integers(0, len(ROW)), max_size=12))
def test_messages_as_faucets_adapter_cuts_them_are_joined(cuts: list[int]) -> None:
    feed = Feed()
    places = [0, *sorted(cuts), len(ROW)]
    reads = [ROW[a:b] for a, b in itertools.pairwise(places)]
    bodies = [body for read in reads for body in read.strip().split(b"\n")]
    found = [item for body in bodies for item in feed.message(body)]
    assert [type(item) for item in found] == [e.DatapathChanged, e.DeviceLearned, e.Unused]
    assert (feed.events, feed.garbage, feed.missed) == (3, 0, 0)


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        ([b"", b" \n", b"no event"], [e.Garbage]),
        ([b"[1]", b"{}", ROW.split(b"\n")[0]], [e.Garbage, e.Garbage, e.DatapathChanged]),
        # A tail whose head never came; a head whose tail never came, twice.
        ([ROW[40:70], ROW[:30], ROW.split(b"\n")[0]], [e.Garbage, e.Garbage, e.DatapathChanged]),
        ([ROW[:30], ROW[:30], ROW[30 : ROW.index(b"\n")]], [e.Garbage, e.DatapathChanged]),
        ([b"{" + b" " * LINE_BYTES_MAX, ROW[:30]], [e.Garbage]),
        # What grows beyond any event is dropped with what made it too long.
        ([b'{"a', b"a" * LINE_BYTES_MAX], [e.Garbage, e.Garbage]),
    ],
)
def test_messages_that_are_no_events_are_counted(
    bodies: list[bytes], expected: list[type[e.FeedItem]]
) -> None:
    feed = Feed()
    found = [item for body in bodies for item in feed.message(body)]
    assert [type(item) for item in found] == expected
    assert feed.garbage == expected.count(e.Garbage)


def test_half_a_message_at_the_end_is_torn() -> None:
    feed = Feed()
    assert feed.message(ROW[:30]) == []
    assert [type(item) for item in feed.end()] == [e.Garbage]
    assert [type(item) for item in feed.message(ROW.split(b"\n")[0])] == [e.DatapathChanged]


def test_gaps_restarts_and_repeats_in_the_numbering() -> None:
    feed = Feed()

    def kinds(number: int, moment: float) -> list[str]:
        return [type(i).__name__ for i in feed.receive(line(number, moment, DP_CHANGE={}))]

    assert kinds(4, 1.0) == ["FeedGap", "DatapathChanged"]  # connected late: three are unknown
    assert kinds(5, 2.0) == ["DatapathChanged"]
    assert kinds(5, 2.0) == ["DatapathChanged"]  # delivered again by the broker
    assert kinds(4, 1.0) == ["DatapathChanged"]
    assert kinds(9, 3.0) == ["FeedGap", "DatapathChanged"]
    assert kinds(1, 4.0) == ["FaucetRestarted", "DatapathChanged"]
    assert kinds(3, 5.0) == ["FeedGap", "DatapathChanged"]
    assert (feed.missed, feed.restarts) == (3 + 3 + 1, 1)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip
kinds_known = st.sampled_from(
    ["L2_LEARN", "L2_EXPIRE", "L3_LEARN", "PORT_CHANGE", "PORTS_STATUS", "CONFIG_CHANGE", "X"]
)
fields = st.sampled_from(
    [*LEARN, "status", "reason", "success", "config_hash_info", "restart_type"]
)
documents = st.builds(
    lambda header, kind, body: {**HEADER, **header, kind: body},
    st.dictionaries(st.sampled_from(list(HEADER)), values, max_size=2),
    kinds_known,
    st.dictionaries(fields, values, max_size=6) | values,
)


@given(st.lists(st.binary(max_size=60) | documents.map(lambda d: json.dumps(d).encode() + b"\n")))
def test_no_bytes_whatever_make_it_raise(pieces: list[bytes]) -> None:
    feed = Feed()
    for piece in pieces:
        feed.receive(piece)
    feed.end()
    whole = b"".join(pieces)
    assert feed.events + feed.garbage == sum(1 for x in whole.split(b"\n") if x.strip())


@given(st.lists(st.binary(max_size=60) | documents.map(lambda d: json.dumps(d).encode())))
def test_no_message_whatever_makes_it_raise(bodies: list[bytes]) -> None:
    feed = Feed()
    for body in bodies:
        feed.message(body)
    feed.end()
    assert feed.events + feed.garbage <= sum(1 for body in bodies if body.strip())
