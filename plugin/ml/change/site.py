"""What is usual at this site: for each role a row of each of its last devices. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plugin.ml.change.document import FORMAT, OtherFeaturesError, numbers_from, rows_from, rows_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from plugin.ml.change.distance import Layout

DEVICES = 100
"""Of a role; of more the longest unseen is left out, and where none is, the newest."""
UNSEEN = 7 * 86_400.0
"""Seconds for which a device is not seen before another takes its place: who comes under a hundred
forged names puts nobody out."""
NEW = 4
"""New devices of a role within an hour: those names come slowly, or not at all."""
HOUR = 3600.0
AT_A_PORT = 4
"""Devices of a role that are taken from one port of a switch: behind it is one cable, and whoever
forges names at its end is no more than these. (Of a radio's many one knows as much by four.)"""
ROLES = 200
EVERY = 6 * 3600.0
"""Seconds for which a device's row stands before a newer one replaces it."""


class Row(NamedTuple):
    """A window of one device."""

    time: float
    """When it ended, seconds since 1970-01-01 UTC."""
    row: NDArray[np.float32]
    """(n_columns,)."""
    since: float
    """When the device came into this role."""
    port: str = ""
    """The switch and port where it was then; empty: nobody knew."""


class Site(NamedTuple):
    """Rows by role and device."""

    how: Layout
    roles: Mapping[str, Mapping[str, Row]] = {}

    def noted(
        self,
        role: str,
        mac: str,
        row: NDArray[np.floating],
        time: float,
        port: str | None = None,
    ) -> Site:
        """The site with a window of a device in a role; itself where nothing changes.

        A device stands in one role: the last one.

        Args:
            role: the label.
            mac: the device.
            row: (n_columns,).
            time: when the window ended.
            port: the switch and port where the device is; None: nobody knows.
        """
        before = self.roles.get(role, {}).get(mac)
        if before is not None and 0 <= time - before.time < EVERY:
            return self
        if before is None and role not in self.roles and len(self.roles) >= ROLES:
            return self
        roles = {
            name: {one: kept for one, kept in rows.items() if one != mac}
            for name, rows in self.roles.items()
        }
        there = roles.setdefault(role, {})
        if before is None and not _has_room(there, time, port or ""):
            return self
        since = time if before is None else before.since
        where = port or ("" if before is None else before.port)
        there[mac] = Row(time, row.astype(np.float32), since, where)
        if len(there) > DEVICES:
            del there[min(there, key=lambda one: there[one].time)]
        return Site(self.how, {name: rows for name, rows in roles.items() if rows})

    def rows(self, role: str, besides: str | None = None) -> NDArray[np.float32]:
        """(n, n_columns) rows of the devices of a role, but for one; n may be 0."""
        found = [kept.row for mac, kept in self.roles.get(role, {}).items() if mac != besides]
        return np.array(found, np.float32).reshape(len(found), len(self.how.names))


def _has_room(there: Mapping[str, Row], time: float, port: str) -> bool:
    """Whether a role takes another: few in an hour, few at a port, in no seen one's place."""
    if port and sum(one.port == port for one in there.values()) >= AT_A_PORT:
        return False
    lately = sum(abs(time - one.since) < HOUR for one in there.values())
    if lately >= NEW:
        return False
    return len(there) < DEVICES or time - min(one.time for one in there.values()) >= UNSEEN


def to_site(site: Site) -> dict[str, Any]:
    """The site as JSON's types."""
    return {
        "format": FORMAT,
        "schema": site.how.schema,
        "roles": {
            role: {
                "devices": list(rows),
                "times": [one.time for one in rows.values()],
                "since": [one.since for one in rows.values()],
                "ports": [one.port for one in rows.values()],
                "rows": rows_text(np.array([one.row for one in rows.values()], np.float32)),
            }
            for role, rows in site.roles.items()
        },
    }


def from_site(document: Mapping[str, Any], how: Layout) -> Site:
    """The site of :func:`to_site`.

    Raises:
        OtherFeaturesError: it is of another feature set.
        ValueError: it is torn, of another format, or no site at all.
    """
    try:
        if document["format"] != FORMAT:
            raise ValueError(f"is of format {document['format']!r}, not {FORMAT}")
        if document["schema"] != how.schema:
            raise OtherFeaturesError("was learned with another feature set")
        roles = {str(role): _role(rows, how) for role, rows in document["roles"].items()}
    except (AttributeError, KeyError, OverflowError, TypeError) as error:
        raise ValueError(f"tells nothing of a site: {error!r}") from error
    return Site(how, roles)


def _role(document: Mapping[str, Any], how: Layout) -> dict[str, Row]:
    devices = [str(mac) for mac in document["devices"]]
    times = numbers_from(document["times"])
    rows = rows_from(document["rows"], len(devices), how)
    since = numbers_from(document.get("since", document["times"]))
    ports = [str(one) for one in document.get("ports", [""] * len(devices))]
    found = zip(devices, times.tolist(), rows, since.tolist(), ports, strict=True)
    return {mac: Row(time, row, came, port) for mac, time, row, came, port in found}
