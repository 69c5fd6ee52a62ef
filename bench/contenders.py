"""Who runs: commands, what each needs, how often it runs, and figures recorded elsewhere."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PYTHON = sys.executable
SLOW_ROUNDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One command of a table.

    Attributes:
        name: as goals and tables call it.
        argv: the command; ``{}`` stands for the capture.
        env: additions to the environment.
        rounds: at most so many rounds (long runs need fewer), 0 = all.
        ours: Halia's own: its counts must equal the truth.
        counts: it prints packets and sessions as JSON.
        sampled: it runs on a part of the file and is scaled.
        module: Python module that must be installed.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    rounds: int = 0
    ours: bool = False
    counts: bool = True
    sampled: bool = False
    module: str = ""

    def command(self, path: str) -> list[str]:
        """The command for a capture."""
        return [part.replace("{}", path) for part in self.argv]

    def missing(self) -> str:
        """What is not installed, or an empty string."""
        if self.module and importlib.util.find_spec(self.module) is None:
            return self.module
        if not shutil.which(self.argv[0]):
            return self.argv[0]
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A peer's figure measured before: µs a packet (CPU) or whole seconds (wall)."""

    name: str
    micros: float = 0.0
    seconds: float = 0.0
    where: str = ""


def _peer(loop: str, path: str = "{}") -> tuple[str, ...]:
    return (PYTHON, "-m", "bench.peers", loop, path)


def _halia(*words: str) -> tuple[str, ...]:
    return (PYTHON, "-m", "plugin", *words)


COMPILED = {"HALIA_CORE": "c"}
AS_HALIA = {**COMPILED, "OPENBLAS_NUM_THREADS": "1"}
"""What ``halia`` sets for itself, for our loop that is no command of it."""
"""Without the extension ours fails and says so, instead of passing off the reference as it."""

CAT = Contender(name="cat", argv=("cat", "{}"), counts=False)
TCPDUMP = Contender(
    name="tcpdump -w", argv=("tcpdump", "-r", "{}", "-w", "/dev/null"), counts=False
)
INFO = Contender(name="halia info", argv=_halia("info", "{}", "--json"), env=COMPILED, ours=True)
REFERENCE = Contender(
    name="halia info, reference",
    argv=_halia("info", "{}", "--json"),
    env={"HALIA_CORE": "reference"},
    rounds=SLOW_ROUNDS,
    ours=True,
)
SESSIONS = Contender(
    name="halia sessions",
    argv=_halia("sessions", "{}", "--json"),
    env=COMPILED,
    rounds=1,
    counts=False,
)
FEATURES = Contender(name="halia features", argv=_peer("features"), env=AS_HALIA, ours=True)
NFSTREAM = Contender(name="nfstream", argv=_peer("nfstream"), rounds=SLOW_ROUNDS, module="nfstream")
DPKT = Contender(name="dpkt dict", argv=_peer("dpkt_dict"), rounds=SLOW_ROUNDS, module="dpkt")
DPKT_RULE = Contender(name="dpkt session rule", argv=_peer("dpkt_rule"), rounds=1, module="dpkt")
SCAPY = Contender(name="scapy", argv=_peer("scapy_dict"), rounds=1, sampled=True, module="scapy")
TSHARK = Contender(name="tshark -z conv", argv=_peer("tshark_conv"), rounds=1)
BARE = Contender(name="bare Python", argv=(PYTHON, "-c", "pass"), counts=False)
CLASSIFY = Contender(
    name="halia classify", argv=_halia("classify", "{}", "--json"), env=COMPILED, counts=False
)

BIG_FIELD = (
    CAT, TCPDUMP, INFO, FEATURES, REFERENCE, NFSTREAM, DPKT, DPKT_RULE, TSHARK, SCAPY,
)  # fmt: skip
HUGE_FIELD = (CAT, TCPDUMP, INFO, SESSIONS)
SMALL_FIELD = (BARE, INFO, CLASSIFY, REFERENCE, DPKT, NFSTREAM, TSHARK)

_BEFORE = "recorded 2026-11 on a 2-core AMD EPYC"
ANCHORS: dict[str, tuple[Recorded, ...]] = {
    "big": (
        Recorded(name="netml", micros=370, where=_BEFORE),
        Recorded(name="nfstream", micros=15, where=_BEFORE),
        Recorded(name="dpkt dict", micros=13.7, where=_BEFORE),
        Recorded(name="tshark -z conv", micros=13.8, where=_BEFORE),
        Recorded(name="scapy", micros=266, where=_BEFORE),
    ),
    "small": (
        Recorded(name="networkml", seconds=12.0, where=_BEFORE),
        Recorded(name="netml", seconds=3.151, where=_BEFORE),
    ),
}
"""Shown where the peer itself could not run, and always marked as recorded."""
