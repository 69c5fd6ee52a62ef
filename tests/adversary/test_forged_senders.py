"""A frame with somebody else's sender switches nothing off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.offline.classify import classify
from tests import attacks as a
from tests import frames as f

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from plugin.ml.verdict import Verdict

PUBLIC = bytes((8, 8, 8, 8))


def judged(path: Path, frames: Sequence[f.Frame]) -> Verdict:
    path.write_bytes(f.pcap(*sorted(frames, key=lambda one: one.time)))
    (found,) = classify(path, device=a.BAD_TEXT, model="enterprise", normal=None)
    return found


def failing(hosts: int = 80) -> list[f.Frame]:
    """Hosts asked in vain, slower than any scan that has a name."""
    return [a.asked(i * 11, a.host(i), 40_000 + i, 445) for i in range(hosts)] + a.end(890)


def test_one_forged_frame_does_not_silence_suspicion(tmp_path: Path) -> None:
    before = judged(tmp_path / "x.pcap", failing())
    assert before.anomaly is not None
    assert [one.name for one in before.anomaly.behaviour] == ["suspicion"]
    packet = f.ipv4(f.udp(9, 9), 17, PUBLIC, bytes((10, 255, 255, 255)))
    after = judged(tmp_path / "y.pcap", [*failing(), a.sent(5, packet)])
    assert after.anomaly == before.anomaly
    assert after.role.decision == before.role.decision
    assert after.role.reason == before.role.reason or "router" not in (after.role.reason or "")
    (told,) = set(after.warnings) - set(before.warnings)
    assert told.startswith("sends from 2 addresses, 1 of them outside")


def test_many_forged_senders_are_a_sign(tmp_path: Path) -> None:
    packets = [f.ipv4(f.tcp(5, 443, f.SYN), 6, bytes((8, 8, 4, i)), a.host(9)) for i in range(40)]
    mine = [a.asked(i, a.host(1), 5, 443, f.ACK) for i in range(9)]
    found = judged(
        tmp_path / "x.pcap", mine + [a.sent(i * 9, one) for i, one in enumerate(packets)]
    )
    assert found.anomaly is not None
    (one,) = found.anomaly.behaviour
    assert one.evidence == ("senders 40",), "and what was sent as others counts for nothing else"
