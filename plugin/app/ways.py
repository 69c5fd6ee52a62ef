"""How Faucet and its switches are reached, and how far its writer has come: records. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from plugin.actions import Report
    from plugin.faucet.adapters import Adapter

_DRY = "dry run: nothing is written"


class Ways(NamedTuple):
    """How Faucet and its switches are reached."""

    config: Path
    """The faucet.yaml."""
    environment: Path | None
    """The Python environment that Faucet runs in; None looks for it."""
    probe: str | None
    """``HOST:PORT`` where switches reach our reader; None: nothing is proven."""
    adapter: Adapter


class Shown(NamedTuple):
    """How it stands, for ``halia status``."""

    adapter: str = ""
    takes: str = ""
    """Time to effect."""
    written_at: float | None = None
    """Seconds since 1970-01-01 UTC of our last write; None: this run has not written."""
    writes: int = 0
    wanted: int = 0
    loaded: int = 0
    proven: int = 0
    refused: int = 0
    leaving: int = 0
    """Released, and not seen gone yet."""
    problem: str | None = None


def dry(report: Report) -> Report:
    """Say that nothing was done, for nothing is written."""
    none, refused = frozenset[int](), dict.fromkeys(report.wanted, _DRY)
    return replace(report, written=none, loaded=none, proven=none, refused=refused)
