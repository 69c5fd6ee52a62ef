"""What Halia knows of the network and what it does next: a pure step from event to commands."""

from __future__ import annotations

from plugin.engine.engine import Engine
from plugin.engine.options import Options

__all__ = ["Engine", "Options"]
