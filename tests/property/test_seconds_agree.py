"""The compiled core counts packets a second as numpy does, whatever the records hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin import core
from plugin.core.layout import PACKET
from plugin.sessions import watch

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
    rows["marks"] = chance.choice([0, 0, 0, 1, 2, 8, 64, 16], number)
    if not wild:
        rows["session"] = chance.integers(-1, 5, number)
        rows["payload_len"] = chance.integers(0, 3, number) * 700
    return rows


@settings(deadline=None)
@given(seed=st.integers(0, 1 << 32), number=st.integers(0, 300))
def test_both_count_the_same(seed: int, number: int) -> None:
    rows = records(seed, number)
    ours, numpys = watch.seconds_of(rows), watch.counted_by_numpy(rows)
    assert sorted(map(bytes, ours)) == sorted(map(bytes, numpys))


def test_buffers_that_do_not_fit_are_refused() -> None:
    from plugin.core import _core

    for packets, ports, seed in (
        (bytes(127), bytes(1 << 16), bytes(16)),
        (bytes(128), bytes(1 << 8), bytes(16)),
        (bytes(128), bytes(1 << 16), bytes(8)),
    ):
        with pytest.raises(ValueError, match="whole records"):
            _core.seconds(packets, ports, seed)
    assert _core.seconds(b"", bytes(1 << 16), bytes(16)) == b""
