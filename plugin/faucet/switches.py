"""Open vSwitch on this machine, as far as it can be asked: what a bridge does without Faucet."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

SECONDS = 5
_LIST = ("--format=json", "--columns=name,fail_mode,datapath_id", "list", "Bridge")


def loose_bridges(dp_ids: set[int]) -> list[tuple[str, str]]:
    """Give the bridges of these datapaths that go on by themselves when Faucet is away.

    Returns:
        Name and fail mode. Nothing where there is no ovs-vsctl or it may not be asked: the
        switches are elsewhere, or someone else's.
    """
    tool = shutil.which("ovs-vsctl")
    if tool is None or not dp_ids:
        return []
    try:
        done = subprocess.run(  # noqa: S603  # Open vSwitch's own tool, words of ours
            [tool, f"--timeout={SECONDS}", *_LIST],
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return parse_bridges(done.stdout, dp_ids) if done.returncode == 0 else []


def parse_bridges(text: str, dp_ids: set[int]) -> list[tuple[str, str]]:
    """Read ovs-vsctl's table; an empty fail mode is ``standalone``."""
    try:
        document = json.loads(text)
        rows = [dict(zip(document["headings"], row, strict=True)) for row in document["data"]]
    except (ValueError, KeyError, TypeError):
        return []
    found = []
    for row in rows:
        number, mode = _word(row.get("datapath_id")), _word(row.get("fail_mode")) or "standalone"
        try:
            wanted = int(number, 16) in dp_ids
        except ValueError:
            continue
        if wanted and mode != "secure":
            found.append((_word(row.get("name")), mode))
    return found


def _word(found: Any) -> str:
    """Give a column's text; an absent value is written ``["set", []]``."""
    return found if isinstance(found, str) else ""
