from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.capture import bpf
from tests import frames as f


def run(program: bytes, frame: bytes) -> int:
    """What the kernel would do: bytes to keep; 0 also for a load beyond the end."""
    steps = list(struct.iter_unpack("=HBBI", program))
    at = a = 0
    while True:
        code, yes, no, k = steps[at]
        at += 1
        if code == 0x06:
            return int(k)
        if code == 0x80:
            a = len(frame)
        elif code in {0x28, 0x30}:
            size = 2 if code == 0x28 else 1
            if k + size > len(frame):
                return 0
            a = int.from_bytes(frame[k : k + size])
        else:
            true = {0x15: a == k, 0x35: a >= k, 0x45: bool(a & k)}[code]
            at += yes if true else no


NAMES = bpf.headers_and_names(192, 1600)
LONG = [
    f.ethernet(f.ipv4(f.udp(68, 67), 17)),
    f.ethernet(f.ipv4(f.udp(5353, 5353), 17)),
    f.ethernet(f.ipv4(f.udp(1, 68), 17)),
    f.ethernet(f.ipv6(f.udp(546, 547), 17), 0x86DD),
    f.ethernet(f.ipv6(f.udp(9, 5353), 17), 0x86DD),
]
SHORT = [
    f.ethernet(f.ipv4(f.udp(53, 53), 17)),
    f.ethernet(f.ipv4(f.tcp(67, 68), 6)),
    f.ethernet(f.ipv4(f.udp(67, 68), 17, frag=7)),
    f.ethernet(f.ipv4(f.udp(67, 68), 17, options=bytes(4))),
    f.ethernet(f.ipv6(f.udp(67, 68), 17), 0x86DD),
    f.ethernet(f.ipv6(f.tcp(546, 547), 6), 0x86DD),
    f.ethernet(f.arp(1), 0x0806),
    f.ethernet(b"", 0x0800),
    f.ethernet(f.ipv6(b"", 17), 0x86DD),
]


@pytest.mark.parametrize("frame", LONG)
def test_what_tells_names_is_kept_long(frame: bytes) -> None:
    assert run(NAMES, frame) == 1600


@pytest.mark.parametrize("frame", SHORT)
def test_all_else_is_kept_short(frame: bytes) -> None:
    assert run(NAMES, frame) == 192


@settings(deadline=None)
@given(frame=st.binary(max_size=80), start=st.sampled_from([b"", *LONG, *SHORT]))
def test_no_frame_is_dropped(frame: bytes, start: bytes) -> None:
    for cut in (start[: len(frame)], start + frame):
        assert run(NAMES, cut) in {192, 1600}


def test_the_plain_program() -> None:
    assert run(bpf.all_of(99), b"") == 99
    assert run(bpf.all_of(0), SHORT[0]) == 0
