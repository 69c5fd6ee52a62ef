"""The compiled core tells of single packets what numpy does, whatever the records hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin import core
from plugin.core.layout import PACKET
from plugin.records import Rows
from plugin.sessions import watch
from plugin.sessions.uses import USES, Uses

PORTS = np.array([0, 9, 53, 67, 68, 123, 546, 547, 4500, 11211, 40_000, 65_535])


@pytest.fixture(autouse=True)
def compiled() -> None:
    if core.implementation() == "reference":
        pytest.skip("the extension is not built")


def records(seed: int, number: int) -> np.ndarray:
    """Packet records of few hosts; some are nonsense throughout."""
    chance = np.random.default_rng(seed)
    rows = np.zeros(number, PACKET.dtype())
    wild = chance.random() < 0.3
    if wild:
        rows = np.frombuffer(chance.bytes(rows.nbytes), PACKET.dtype()).copy()
    rows["time"] = chance.integers(-3, 3, number) * 1_500_000_000 + chance.integers(0, 5, number)
    rows["proto"] = chance.choice([1, 6, 17, 58, 47], number)
    rows["direction"] = chance.choice([0, 1, 255], number)
    for name in ("src_port", "dst_port"):
        rows[name] = chance.choice(PORTS, number)
    for name in ("src_mac", "dst_mac"):
        rows[name] = chance.integers(-1, 3, number)
    for name in ("src_ip", "dst_ip"):
        rows[name][:, 15] = chance.integers(0, 3, number)
    rows["icmp_type"] = chance.choice([0, 8, 128, 129, 3], number)
    rows["tcp_flags"] = chance.choice([2, 16, 18, 24], number)
    rows["arp_op"] = chance.choice([0, 0, 0, 1, 2], number)
    rows["arp_sha"] = chance.integers(-1, 3, number)
    if chance.random() < 0.7:
        for name in ("src_ip", "dst_ip"):
            rows[name][:, 10:12] = 255
            rows[name][:, :10] = 0
    rows["marks"] = chance.choice([0, 0, 0, 1, 2, 8, 64, 16], number)
    if not wild:
        rows["session"] = chance.integers(-1, 5, number)
        rows["payload_len"] = chance.integers(0, 3, number) * 700
    return rows


def same(ours: Rows, others: Rows) -> bool:
    return all(np.array_equal(ours[name], others[name]) for name in others.dtype.names or ())


@settings(deadline=None)
@given(seed=st.integers(0, 1 << 32), number=st.integers(0, 300), most=st.integers(1, 400))
def test_both_tell_the_same(seed: int, number: int, most: int) -> None:
    rows, watching = records(seed, number), watch.Watching()
    for begin in range(0, number, most):
        part = rows[begin : begin + most]
        assert same(watching.take(part).seconds, watch.counted_by_numpy(part))


@settings(deadline=None)
@given(seed=st.integers(0, 1 << 32), number=st.integers(0, 300), most=st.integers(1, 9))
def test_both_tell_the_same_of_addresses(seed: int, number: int, most: int) -> None:
    rows, uses = records(seed, number), Uses(most)
    compiled = core.new_watch(watch.ports_table(), most)
    assert compiled is not None
    for part in np.array_split(rows, 3):
        _, arp, used = compiled.feed(part.tobytes())
        assert same(np.frombuffer(arp, watch.ARP), watch.arp_of(part))
        assert same(np.frombuffer(used, USES), uses.take(part))


def test_buffers_that_do_not_fit_are_refused() -> None:
    from plugin.core import _core

    for ports, most, seed in ((bytes(8), 1, bytes(16)), (bytes(1 << 16), 0, bytes(16))):
        with pytest.raises(ValueError, match="a table of all ports"):
            _core.Watch(ports, most, seed)
    compiled = _core.Watch(bytes(1 << 16), 1, bytes(16))
    with pytest.raises(ValueError, match="whole records"):
        compiled.feed(bytes(127))
    assert compiled.feed(b"") == (b"", b"", b"")
