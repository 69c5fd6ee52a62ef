"""Any frames, any block: both demuxes say the same; and what is kept tells what the frames told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.core import new_engine
from plugin.core._reference_demux import Demux as Reference
from plugin.core.layout import PCAP_HEADER
from tests import engines
from tests import frames as f
from tests.demuxes import Arrived, Driver, block, demuxed, make, records

MACS = [bytes.fromhex(m) for m in ("020000000001", "020000000002", "0e0000000003", "ffffffffffff")]
MACS += [bytes.fromhex("01005e0000fb"), bytes(6)]
BODIES = (
    (0x0800, f.ipv4(f.tcp(1, 2, f.SYN, options=b"\2\4\5\xb4"), 6)),
    (0x0800, f.ipv4(f.tcp(3, 4, f.ACK, b"x" * 200), 6)),
    (0x0800, f.ipv4(f.udp(68, 67, b"host" * 20), 17)),
    (0x0800, f.ipv4(f.udp(5, 6, b"y" * 30), 17, frag=100)),
    (0x86DD, f.ipv6(bytes((17, 0)) + bytes(6) + f.udp(5353, 5353, b"name"), 0)),
    (0x0806, f.arp(1)),
    (0x8100, f.vlan(f.ipv4(f.icmp(8), 1), 9)),
    (0x0026, b"\x42\x42\x03" + bytes(35)),
    (0x88CC, b"\x02\x07\x04" + bytes(30)),
)


@st.composite
def arrived(draw: st.DrawFn) -> Arrived:
    kind, body = draw(st.sampled_from(BODIES))
    src, dst = draw(st.sampled_from(MACS)), draw(st.sampled_from(MACS))
    whole = f.ethernet(body, kind, src=src, dst=dst)
    cut = draw(st.sampled_from([len(whole)] * 4 + [10, 13, 20, 40, 60]))
    return Arrived(
        draw(st.one_of(st.integers(0, 3), st.integers(0, 2**32 * 10**9 - 1))),
        whole[:cut],
        len(whole) + draw(st.sampled_from([0, 0, 0, 1500, 70_000])),
        draw(st.sampled_from([-1, -1, 0, 100, 0xFFFF])),
        draw(st.sampled_from([0x8100, 0x88A8, 0x0800])),
    )


LIMITS = st.fixed_dictionaries(
    {
        "max_devices": st.sampled_from([1, 2, 3, 50]),
        "buffer": st.sampled_from([256, 300, 4096]),
        "memory": st.sampled_from([8192, 9000, 1 << 20]),
        "stream": st.sampled_from([0, 4096, 1 << 16]),
        "names": st.booleans(),
        "repeat": st.sampled_from([0, 1, 10**9]),
    }
)


@settings(max_examples=200, deadline=None)
@given(
    frames=st.lists(arrived(), max_size=60),
    limits=LIMITS,
    by=st.sampled_from([0, 1, 7]),
    forget=st.lists(st.integers(0, 5), max_size=3),
)
def test_any_frames(
    frames: list[Arrived], limits: dict[str, Any], by: int, forget: list[int]
) -> None:
    module = pytest.importorskip("plugin.core._core", reason="the compiled core is not built here")
    outcomes = []
    for kind in (Reference, module.Demux):
        demux = make(kind, **limits)
        results = [demuxed(demux, frames[:30], by=by)]
        for device in forget:
            try:
                demux.forget(device)
            except ValueError as error:
                results.append(str(error))  # type: ignore[arg-type]  # compared, no more
        outcomes.append([*results, demuxed(demux, frames[30:], by=by)])
    assert outcomes[0] == outcomes[1]


@settings(max_examples=200, deadline=None)
@given(
    frames=st.lists(arrived(), max_size=5),
    changes=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=8),
    end=st.integers(0, 900),
)
def test_any_block(frames: list[Arrived], changes: list[tuple[int, int]], end: int) -> None:
    module = pytest.importorskip("plugin.core._core", reason="the compiled core is not built here")
    data = bytearray(block(frames))
    for at, value in changes:
        data[at % len(data)] = value
    outcomes = []
    for kind in (Reference, module.Demux):
        driver = Driver(make(kind))
        driver.block(bytes(data[: end or None]))
        outcomes.append(driver.finish())
    assert outcomes[0] == outcomes[1]


@settings(max_examples=100, deadline=None)
@given(frames=st.lists(arrived(), max_size=20))
def test_what_is_kept_decodes_as_the_whole_frame_did(frames: list[Arrived]) -> None:
    """The engine finds the same packets and sessions in headers only as in the whole frames."""
    out = demuxed(make(type(_demux())), frames)
    tags = [i.data[:12] + i.tpid.to_bytes(2) + i.tci.to_bytes(2) + i.data[12:] if i.tci >= 0
            and len(i.data) >= 12 else i.data for i in frames]  # fmt: skip
    whole = b"".join(
        f.pcap(f.Frame(i.time, data, i.wire + 4 * (len(data) > len(i.data))))[24:]
        for i, data in zip(frames, tags, strict=True)
    )
    engine = type(new_engine())
    kept, all_ = (
        engines.run(engines.make(engine), PCAP_HEADER + x) for x in (out.stream[24:], whole)
    )
    assert kept.packets == all_.packets
    assert kept.sessions == all_.sessions
    named = sum(len(records(d)) for d in out.files.values())
    assert named == out.counted()["records"]
    assert np.frombuffer(out.devices, "u1").size % 56 == 0


def _demux() -> Any:
    from plugin.core import new_demux

    return new_demux(max_devices=1)
