"""The feature sets: ordered column names, version and one hash that a model is bound to.

A model stores the hash of the schema it was trained on and is refused when the schema of the
running Halia differs. The hash covers everything that changes the meaning of a column: names
and their order, the unit of a row, the parameters of the set, the session rule's time-outs and
the clip of wire lengths. This file computes only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from plugin.core.layout import WIRE_LEN_MAX
from plugin.ml import services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SESSION_RULE: dict[str, int] = {
    "tcp_idle": 300,
    "udp_idle": 60,
    "icmp_idle": 60,
    "other_idle": 60,
    "tcp_active": 3600,
    "udp_active": 3600,
    "icmp_active": 3600,
    "other_active": 3600,
    "backstep": 60,
}
"""The core's time-outs, in seconds of packet time. Written out, because a model must be refused
when the core's change, not follow them; a test compares the two."""

N_PORTS = 1024
"""Port bins of the 4,104 sets for one direction and one end."""

ENDS = ("source", "destination")
TAIL = ("external", "tcp", "udp", "icmp")

Unit = Literal["session", "device"]
Value = str | int | float | bool


class Schema(NamedTuple):
    """One feature set."""

    name: str
    version: int
    unit: Unit
    """What one row stands for."""
    names: tuple[str, ...]
    """Column names, in order."""
    parameters: Mapping[str, Value]
    """What else decides the values."""

    @property
    def n_columns(self) -> int:
        """Columns of a row."""
        return len(self.names)

    @property
    def hash(self) -> str:
        """SHA-256, hexadecimal, over the canonical JSON of all that gives columns a meaning."""
        document = {
            "name": self.name,
            "version": self.version,
            "unit": self.unit,
            "names": self.names,
            "parameters": dict(self.parameters),
            "sessions": SESSION_RULE,
            "wire_len_max": WIRE_LEN_MAX,
        }
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def names_4104(directions: tuple[str, str], first_port: int) -> tuple[str, ...]:
    """Names in NetworkML's order: ports of both directions, then the four shares of each.

    Args:
        directions: what the two directions are called.
        first_port: port of the first bin: 1 by the README, 0 by the classic code.
    """
    ports = range(first_port, first_port + N_PORTS)
    bins = [f"{way}_{end}_port_{port}" for way in directions for end in ENDS for port in ports]
    return (*bins, *(f"{way}_{what}" for way in directions for what in TAIL))


_LOCAL = {"private": "RFC 1918, ULA, link-local, loopback; multicast and unspecified inside"}


def _networkml_4104() -> Schema:
    names = names_4104(("sent", "received"), 1)
    return Schema("networkml-4104", 1, "session", names, _LOCAL)


def _networkml_4104_window() -> Schema:
    names = names_4104(("initiated", "answered"), 0)
    parameters: dict[str, Value] = {
        "private": "classic string rule",
        "window_seconds": 900,
        "threshold_seconds": 0,
    }
    return Schema("networkml-4104-window", 1, "device", names, parameters)


def _service_ports() -> Schema:
    return Schema("service-ports", 1, "device", services.column_names(), _LOCAL)


def _host(name: str) -> Schema:
    from plugin.ml.features import host

    columns = host.columns(sent_only=name == host.SENT)
    return Schema(name, 1, "device", tuple(column.name for column in columns), _LOCAL)


class _Schemas(Mapping[str, Schema]):
    """Schemas made when first asked for: 4,104 names are worth a millisecond of a start."""

    def __init__(self, makers: Mapping[str, Callable[[], Schema]]) -> None:
        self._makers = makers
        self._made: dict[str, Schema] = {}

    def __getitem__(self, name: str) -> Schema:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


SCHEMAS: Mapping[str, Schema] = _Schemas(
    {
        "networkml-4104": _networkml_4104,
        "networkml-4104-window": _networkml_4104_window,
        "service-ports": _service_ports,
        "halia-host": partial(_host, "halia-host"),
        "halia-host-sent": partial(_host, "halia-host-sent"),
    }
)
"""Every feature set by name: per session as NetworkML's README says, per device and window as
its code 0.2 to 0.4 did, and per device the shares of the services it serves and uses; Halia's own
rich row a device, and the one that looks at sent packets only."""
