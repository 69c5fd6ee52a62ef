"""Faucet's parser in one worker process: imports once, then answers in some 40 ms a file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / "build" / "faucet" / "c65faucet"
_CODE = """
import json, os, sys, logging
logging.disable(logging.CRITICAL)
from faucet import valve
from faucet.conf import InvalidConfigError
from faucet.config_parser import dp_parser
for line in sys.stdin:
    try:
        hashes, _, dps, _ = dp_parser(line.strip(), os.devnull)
        for dp in dps:
            valve.valve_factory(dp)
        chains = {dp.name: {str(p.number): [str(a._id) for a in p.acls_in or []]
                  for p in dp.ports.values()} for dp in dps}
        vlans = {dp.name: {str(v.vid): [[str(a._id) for a in acls or []]
                 for acls in (v.acls_in, v.acls_out)] for v in dp.vlans.values()} for dp in dps}
        answer = {"ok": True, "error": "", "chains": chains, "vlans": vlans,
                  "loaded": [os.path.basename(f) for f, h in hashes.items() if h]}
    except InvalidConfigError as error:
        answer = {"ok": False, "error": str(error), "chains": {}, "vlans": {}, "loaded": []}
    print(json.dumps(answer), flush=True)
"""


class Parsed(NamedTuple):
    ok: bool
    error: str
    chains: dict[str, dict[str, list[str]]]
    """By datapath and port: the ACLs at its entrance, as Faucet resolved them."""
    vlans: dict[str, dict[str, list[list[str]]]]
    """By datapath and vid: the ACLs in, the ACLs out."""
    loaded: list[str]


class Worker:
    """Asks one process of Faucet's environment again and again."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [environment() / "bin" / "python", "-c", _CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def parse(self, root: Path) -> Parsed:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{root}\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return Parsed(**answer)

    def close(self) -> None:
        self._process.communicate()


@cache
def environment() -> Path:
    """The environment with c65faucet, made now if need be; skips where it cannot be."""
    if not (ENVIRONMENT / "made").is_file():
        made = subprocess.run([ROOT / "scripts" / "faucet.sh"], check=False, capture_output=True)
        if made.returncode:
            pytest.skip("c65faucet cannot be installed here: scripts/faucet.sh fails")
    return ENVIRONMENT


def workers() -> Iterator[Worker]:
    """The body of a fixture."""
    worker = Worker()
    yield worker
    worker.close()
