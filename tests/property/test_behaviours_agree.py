"""Whatever is asked by ARP, the whole capture is judged as the stream is, however it was cut."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.ml.behaviour.parameters import ArpParameters, ArpScanParameters, Parameters
from tests import frames as f
from tests.streams import Named, afterwards, streamed

if TYPE_CHECKING:
    from random import Random

FEW = Parameters(
    arp_scan=ArpScanParameters(targets=3, window=5, grace=1, answers=1, repeat=4),
    arp_spoofing=ArpParameters(claims=2, window=5, silence=3, repeat=4),
)


def packet(time: float, operation: int, source: int, target: int, mac: int) -> f.Frame:
    sha = bytes((2, 0, 0, 0, 0, mac))
    spa, tpa = (bytes((10, 0, 0, n)) if n else bytes(4) for n in (source, target))
    content = f.arp(operation, sha=sha, spa=spa, tpa=tpa)
    return f.Frame(round(time * f.SECOND), f.ethernet(content, 0x0806, src=sha, dst=b"\xff" * 6))


def questions(chance: Random) -> list[f.Frame]:
    """Few ask for many; some are answered, some late, some by a liar."""
    frames = []
    for _ in range(chance.randint(5, 60)):
        time, source, target = chance.uniform(0, 15), chance.randint(0, 4), chance.randint(0, 20)
        frames.append(packet(time, 1, source, target, source or 1))
        if chance.random() < 0.3:
            owner = target + 1 if chance.random() < 0.8 else 1
            frames.append(packet(time + chance.uniform(0, 1.5), 2, target, source, owner))
    return sorted(frames)


def judged(packets: list[f.Frame], most: int) -> tuple[Named, Named, Named]:
    """Afterwards, as a stream, as a stream of so many packets at a time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.pcap"
        path.write_bytes(f.pcap(*packets))
        return afterwards(path, FEW), streamed(path, FEW), streamed(path, FEW, most)


@settings(deadline=None)
@given(seed=st.integers(0, 1 << 32), most=st.integers(1, 9))
def test_arp_is_judged_afterwards_as_it_is_while_it_passes(seed: int, most: int) -> None:
    found, whole, cut = judged(questions(random.Random(seed)), most)
    assert found == whole == cut


def test_there_is_something_to_find() -> None:
    seen: Named = Named()
    for seed in range(20):
        seen += judged(questions(random.Random(seed)), 5)[0]
    assert {name for _, name in seen} == {"arp-scan", "arp-spoofing"}
