"""Names that devices tell: theirs only, printable, whatever the bytes."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plugin.capture.announced import NAME_MAX, Announced, announced_in, clean
from tests import frames as f
from tests.announcements import HOST, PRINTER, dhcp, mdns, option, record

ME = f.A.hex(":")


def test_a_client_tells_its_host_name() -> None:
    assert announced_in(dhcp(HOST)) == Announced(ME, "Büro-PC", "dhcp")
    tagged = f.ethernet(f.vlan(dhcp(HOST)[14:], 100), 0x8100)
    assert announced_in(tagged) == Announced(ME, "Büro-PC", "dhcp")
    padded = b"\0\0" + option(12, b"camera\0\0")  # some write C strings, and no end
    assert announced_in(dhcp(padded)) == Announced(ME, "camera", "dhcp")


@pytest.mark.parametrize(
    "value", [b"\0\0\0pc7.example.org", b"\x04\0\0\x03pc7\x07example\x03org\0", b"\x04\0\0\x03pc7"]
)
def test_the_host_of_a_full_name_stands_in(value: bytes) -> None:
    assert announced_in(dhcp(option(81, value))) == Announced(ME, "pc7", "dhcp")
    both = option(81, value) + option(12, b"other")
    assert announced_in(dhcp(both)) == Announced(ME, "other", "dhcp")


@pytest.mark.parametrize(
    "frame",
    [
        dhcp(HOST, chaddr=f.B),  # somebody else's
        dhcp(HOST, ports=(67, 68)),  # a server's answer
        dhcp(option(53, b"\1") + b"\xff"),
        dhcp(option(12, b"\0\x07\x1b")),
        dhcp(b"\xff" + option(12, b"behind the end")),
        dhcp(option(81, b"\0\0\0")),
        dhcp(option(81, b"\x04\0\0\xc0\x0c")),
        dhcp(HOST).replace(b"\x63\x82\x53\x63", b"\0\0\0\0"),
        dhcp(HOST)[:200],
        f.ethernet(f.ipv4(f.udp(68, 67, bytes(300)), 17, frag=5)),
        f.ethernet(f.ipv4(f.tcp(68, 67) + bytes(300), 6)),
        f.ethernet(bytes(100), 0x0806),
        b"",
    ],
)
def test_what_tells_no_name(frame: bytes) -> None:
    assert announced_in(frame) is None


def test_an_answer_of_mdns_names_the_sender_by_its_address() -> None:
    frame = mdns(record(b"\x04_ipp\xc0\x0c", 12, b"\0"), record(PRINTER, 1, f.IP_A))
    assert announced_in(frame) == Announced(ME, "Printer", "mdns")
    question = b"\x07Printer\x05local\0\0\x01\0\x01"
    pointed = mdns(record(b"\xc0\x0c", 28, f.IP6_A), questions=question, v6=True)
    assert announced_in(pointed) == Announced(ME, "Printer", "mdns")


@pytest.mark.parametrize(
    "frame",
    [
        mdns(record(PRINTER, 1, f.IP_B)),  # another's address
        mdns(record(PRINTER, 16, f.IP_A)),
        mdns(record(PRINTER, 1, f.IP_A), flags=0),  # a question
        mdns(record(b"\x07Printer\x07example\0", 1, f.IP_A)),
        mdns(record(b"\xc0\x0c", 1, f.IP_A)),  # points at itself
        mdns(record(b"\xc0\xff", 1, f.IP_A)),
        mdns(record(b"\x3fPrinter", 1, f.IP_A)),
        mdns(questions=PRINTER),
    ],
)
def test_mdns_that_tells_no_name_of_its_sender(frame: bytes) -> None:
    assert announced_in(frame) is None


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (b"pc\x1b[2J\n\r\t7", "pc[2J7"),
        ("a\u202eb".encode(), "ab"),
        (b"\xffpc", "?pc"),
        (b"  pc  ", "pc"),
        (b"x" * 300, "x" * NAME_MAX),
        (b"\n", ""),
    ],
)
def test_a_name_is_short_and_printable(told: bytes, shown: str) -> None:
    assert clean(told) == shown


GOOD = [
    dhcp(HOST),
    dhcp(option(81, b"\x04\0\0\x03pc7\0")),
    mdns(record(b"\x04_ipp\xc0\x0c", 12, b"\0"), record(PRINTER, 1, f.IP_A)),
    mdns(record(PRINTER, 28, f.IP6_A), v6=True),
]


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(GOOD),
    st.lists(st.tuples(st.integers(12, 400), st.integers(0, 255)), max_size=8),
    st.integers(0, 500),
)
def test_damaged_frames_name_at_most_their_sender(
    frame: bytes, changes: list[tuple[int, int]], size: int
) -> None:
    damaged = bytearray(frame)
    for at, byte in changes:
        if at < len(damaged):
            damaged[at] = byte
    check(bytes(damaged[:size]))
    check(bytes(damaged))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
@example(b"\xc0" * 300)
def test_no_bytes_make_it_raise(payload: bytes) -> None:
    check(payload)
    for ports in ((68, 67), (5353, 5353)):
        check(f.ethernet(f.ipv4(f.udp(*ports, payload), 17)))
    check(mdns(payload))
    check(dhcp(payload))


def check(frame: bytes) -> None:
    told = announced_in(frame)
    if told is not None:
        assert told.mac == frame[6:12].hex(":")
        assert told.name.isprintable()
        assert 0 < len(told.name) <= NAME_MAX
