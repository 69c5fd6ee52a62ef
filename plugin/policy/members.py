"""Whether a device is one of those that a policy names, and by what. Pure."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from ipaddress import IPv4Address, IPv6Address

    from plugin.policy.rules import Devices
    from plugin.policy.subject import Subject

KNOWN = "known"
"""A role's decision: the only one with which its label counts."""


class Membership:
    """What can be asked of one device, again and again: its addresses are read once.

    Args:
        subject: the device.
        tags: the policy's.
        likeliest: whether the likeliest role counts when it is not known too: for protection.
    """

    def __init__(
        self, subject: Subject, tags: Mapping[str, Devices], *, likeliest: bool = False
    ) -> None:
        self._subject = subject
        self._tags = tags
        self._likeliest = likeliest

    def named(self, devices: Devices) -> str | None:
        """Say by what a device is in a set: any one of its kinds; None: it is not."""
        for kind, test in KINDS.items():
            if getattr(devices, kind) and (by := test(self, devices)) is not None:
                return by
        return None

    def mac(self, devices: Devices) -> str | None:
        """By its address, or the beginning of it."""
        mac = self._subject.mac
        found = next((m for m in devices.macs if mac == m or mac.startswith(f"{m}:")), None)
        return found and f"MAC address {mac}" + ("" if found == mac else f" ({found}...)")

    def network(self, devices: Devices) -> str | None:
        """By any of its IP addresses."""
        for address in self._addresses:
            for network in devices.networks:
                if address in network:
                    return f"address {address} in {network}"
        return None

    def port(self, devices: Devices) -> str | None:
        """By where it is."""
        place = self._subject.place
        if place is None or (place.dp, place.port) not in devices.ports:
            return None
        return f"port {place.dp}:{place.port}"

    def switch(self, devices: Devices) -> str | None:
        """By its switch."""
        place = self._subject.place
        return f"switch {place.dp}" if place and place.dp in devices.switches else None

    def vlan(self, devices: Devices) -> str | None:
        """By its VLAN."""
        place = self._subject.place
        return f"VLAN {place.vid}" if place and place.vid in devices.vlans else None

    def vendor(self, devices: Devices) -> str | None:
        """By who made it."""
        vendor = self._vendor
        if vendor and any(fnmatchcase(vendor, p.casefold()) for p in devices.vendors):
            return f"vendor {self._subject.vendor}"
        return None

    def role(self, devices: Devices) -> str | None:
        """By what it is."""
        role = self._subject.role
        if role is None or not (role.decision == KNOWN or (self._likeliest and role.stands_out)):
            return None
        label = role.label.casefold()
        found = next((name for name in devices.roles if name.casefold() == label), None)
        likely = "" if role.decision == KNOWN else "likeliest "
        return found and f"{likely}role {found}"

    def tag(self, devices: Devices) -> str | None:
        """By a tag that the policy gives it."""
        for name in devices.tags:
            tagged = self._tags.get(name)
            if tagged is not None and (by := self.named(tagged)) is not None:
                return f"tag {name} ({by})"
        return None

    @cached_property
    def _addresses(self) -> list[IPv4Address | IPv6Address]:
        found = []
        for text in self._subject.addresses:
            try:
                found.append(ip_address(text))
            except ValueError:  # whoever told it is no reason to stop
                continue
        return found

    @cached_property
    def _vendor(self) -> str:
        return (self._subject.vendor or "").casefold()


KINDS: Mapping[str, Callable[[Membership, Devices], str | None]] = {
    "macs": Membership.mac,
    "networks": Membership.network,
    "ports": Membership.port,
    "switches": Membership.switch,
    "vlans": Membership.vlan,
    "vendors": Membership.vendor,
    "roles": Membership.role,
    "tags": Membership.tag,
}
"""Fields of Devices, and how each is looked for."""


def protected_by(devices: Devices, subject: Subject, tags: Mapping[str, Devices]) -> str | None:
    """Say by what a device is one of those that are never isolated; None: it is not.

    A role counts here though it is not known: better to spare one too many.
    """
    return Membership(subject, tags, likeliest=True).named(devices)
