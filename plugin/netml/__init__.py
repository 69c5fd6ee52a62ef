"""netml's names, on Halia's code: what its README imports comes from here, with the same calls.

``PCAP`` reads captures and makes features, ``OCSVM`` and the others are scikit-learn estimators,
``MODEL`` trains and tests one, ``dump_data`` and ``load_data`` keep features and models in files
that hold data only, never code. Each is imported when it is asked for: reading captures needs no
scikit-learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugin.netml.detector import Detector
    from plugin.netml.detectors import AE, GMM, IF, KDE, OCSVM, PCA, SOS
    from plugin.netml.files import dump_data, load_data
    from plugin.netml.model import MODEL
    from plugin.netml.pcap import PCAP
    from plugin.netml.rows import Features

_PLACES = {
    "AE": "detectors",
    "Detector": "detector",
    "Features": "rows",
    "GMM": "detectors",
    "IF": "detectors",
    "KDE": "detectors",
    "MODEL": "model",
    "OCSVM": "detectors",
    "PCA": "detectors",
    "PCAP": "pcap",
    "SOS": "detectors",
    "dump_data": "files",
    "load_data": "files",
}

__all__ = [
    "AE",
    "GMM",
    "IF",
    "KDE",
    "MODEL",
    "OCSVM",
    "PCA",
    "PCAP",
    "SOS",
    "Detector",
    "Features",
    "dump_data",
    "load_data",
]


def __getattr__(name: str) -> object:
    """Give a name of this package, imported now.

    Raises:
        AttributeError: there is none of that name.
    """
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    """What is here, what was not yet asked for too."""
    return sorted({*globals(), *_PLACES})
