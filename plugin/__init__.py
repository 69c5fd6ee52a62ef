"""Halia: watch and defend a Faucet-controlled network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugin.offline.classify import classify
    from plugin.offline.features import features
    from plugin.offline.learning import adapt, evaluate, labelled, load_model, save_model, train
    from plugin.offline.read import SessionStream, from_scapy, iter_captures, read_capture
    from plugin.offline.read import summarise as info

__version__ = "0.1.0"
DISTRIBUTION = "halia"

# The library's calls by name: imported when they are asked for, for `halia info` imports no numpy.
# (What `halia sessions` does is SessionStream: plugin.sessions is a package.)
_PUBLIC = {
    "SessionStream": ("plugin.offline.read", "SessionStream"),
    "adapt": ("plugin.offline.learning", "adapt"),
    "classify": ("plugin.offline.classify", "classify"),
    "evaluate": ("plugin.offline.learning", "evaluate"),
    "features": ("plugin.offline.features", "features"),
    "from_scapy": ("plugin.offline.read", "from_scapy"),
    "info": ("plugin.offline.read", "summarise"),
    "iter_captures": ("plugin.offline.read", "iter_captures"),
    "labelled": ("plugin.offline.learning", "labelled"),
    "load_model": ("plugin.offline.learning", "load_model"),
    "read_capture": ("plugin.offline.read", "read_capture"),
    "save_model": ("plugin.offline.learning", "save_model"),
    "train": ("plugin.offline.learning", "train"),
}

__all__ = [
    "DISTRIBUTION",
    "SessionStream",
    "__version__",
    "adapt",
    "classify",
    "evaluate",
    "features",
    "from_scapy",
    "info",
    "iter_captures",
    "labelled",
    "load_model",
    "read_capture",
    "save_model",
    "train",
]


def __getattr__(name: str) -> object:
    """Give a public call, imported now.

    Raises:
        AttributeError: there is none of that name.
    """
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _PUBLIC[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    """What is here, the calls that were not yet asked for too."""
    return sorted({*globals(), *_PUBLIC})
