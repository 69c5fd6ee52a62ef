"""What must be found in a capture: tshark's frames and the dpkt loop's sessions.

Both take long on big files, so they are kept by the digest of the file (and of the loop's
source): the same bytes are counted once.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from bench.inputs import ROOT, Input, file_digest

if TYPE_CHECKING:
    from pathlib import Path


class Truth(NamedTuple):
    """The counts that ours must equal.

    Attributes:
        frames: tshark's.
        sessions: the session rule's over dpkt.
        read: frames that the dpkt loop read; must equal ``frames``.
    """

    frames: int
    sessions: int
    read: int


def tshark_frames(path: Path) -> int:
    """Tshark's number of frames.

    The Ethernet dissector is off, as nothing above the frame matters to a count: a minute's
    dissection of a big file becomes seconds.
    """
    command = ["tshark", "-n", "-r", str(path), "--disable-protocol", "eth"]
    command += ["-T", "fields", "-e", "frame.number"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        if child.stdout is None:  # asked for above
            return 0
        return sum(1 for _ in child.stdout)


def rule_counts(path: Path) -> tuple[int, int]:
    """Frames and sessions of the dpkt loop, in a child."""
    command = [sys.executable, "-m", "bench.peers", "dpkt_rule", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    found = json.loads(done.stdout)
    return int(found["packets"]), int(found["sessions"])


def truth_of(source: Input, cache: Path) -> Truth:
    """The counts of a capture, from the cache when its bytes were counted before.

    Args:
        source: the capture.
        cache: folder of the bench's files.

    Raises:
        OSError: tshark or Python could not be started.
        subprocess.CalledProcessError: the dpkt loop failed.
    """
    rule = b"".join((ROOT / "bench" / name).read_bytes() for name in ("rule.py", "link.py"))
    tag = hashlib.blake2b(rule, digest_size=4).hexdigest()
    kept = cache / f"truth-{file_digest(source.path)}-{tag}.json"
    if kept.exists():
        return Truth(**json.loads(kept.read_text()))
    read, sessions = rule_counts(source.path)
    truth = Truth(tshark_frames(source.path), sessions, read)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(truth._asdict()))
    return truth
