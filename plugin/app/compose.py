"""From settings to the parts of a run."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from plugin.app.ways import Ways
from plugin.capture.live import Settings as CaptureOrder
from plugin.capture.packet_socket import Opening
from plugin.capture.rotate import Limits as FileLimits
from plugin.capture.rotate import endpoint_ident, mac_ident
from plugin.capture.trace_files import TraceFiles
from plugin.engine import Options
from plugin.errors import SettingsError
from plugin.faucet.adapters import adapter_of
from plugin.faucet.mirror import MirrorSettings
from plugin.ml.change.profile import DEFAULTS as LEARNING
from plugin.ml.change.rows import host_layout, host_row
from plugin.offline.pasts import Pasts
from plugin.offline.policy import load_policy
from plugin.policy.rules import EMPTY
from plugin.registry import Limits
from plugin.settings.secret import broker_password

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pika

    from plugin.faucet.adapters import Adapter
    from plugin.policy.rules import Policy
    from plugin.registry import Device
    from plugin.settings import Settings

NAMES_BYTES = 1600
"""Kept of a frame that tells names: all of it on an ordinary link."""
_LIVE = ("model", "data", "behaviours.", "detect.", "devices.", "mirror.", "policy.", "train.")
"""Settings that a reload uses."""
_DIGESTS = {"poseidon-0.17": "ripemd160", "poseidon-0.18": "sha256"}


class Places(NamedTuple):
    """The files of a run."""

    journal: Path
    spool: Path
    captures: Path
    store: str | Path
    pasts: Path


def places(settings: Settings) -> Places:
    """Where the files of a run are."""
    state = settings.run.state
    return Places(
        journal=state / "journal",
        spool=state / "spool",
        captures=settings.capture.folder or state / "captures",
        store=settings.store.url or state / "state.sqlite",
        pasts=state / "pasts",
    )


def pasts(settings: Settings, told: Callable[[str], None]) -> Pasts:
    """The past of each device, as far as earlier runs have learned it.

    Raises:
        OutputError: its folder cannot be used.
    """
    want = settings.change
    return Pasts(
        places(settings).pasts,
        host_layout(),
        host_row,
        parameters=LEARNING._replace(windows=want.windows, span=want.time),
        most=settings.devices.most,
        told=told,
    )


def policy(settings: Settings) -> Policy:
    """Read the operator's policy; without one nobody is ever isolated by a rule.

    Raises:
        PolicyError: it cannot be read, or is wrong: all problems, each with its place.
    """
    file = settings.policy.file
    return EMPTY if file is None else load_policy(file, settings.data)


def engine_options(settings: Settings) -> Options:
    """What the engine is told. Ports that are ignored by name the plan of the mirror finds."""
    ports = (place.rpartition(":") for place in settings.mirror.ignore_ports)
    return Options(
        limits=Limits(devices=settings.devices.most, gone_after=settings.devices.gone_after),
        feed=settings.faucet.events != "none",
        page=settings.faucet.events != "none",
        ignore_vlans=frozenset(settings.mirror.ignore_vlans),
        ignore_ports=frozenset((dp, int(port)) for dp, _, port in ports if port.isdecimal()),
    )


def mirror_settings(settings: Settings) -> MirrorSettings:
    """What the operator decides about the mirror."""
    want = settings.mirror
    return MirrorSettings(
        budget=want.budget,
        window=want.window,
        ignore_vlans=frozenset(want.ignore_vlans),
        ignore_ports=frozenset(want.ignore_ports),
    )


def ways(settings: Settings) -> Ways:
    """How Faucet and its switches are reached; certificates are read now.

    Raises:
        SettingsError: certificates or a library for the adapter are missing, or wrong.
    """
    want = settings.faucet
    root = want.config.resolve()
    if settings.isolation.adapter == "confrpc":
        adapter: Adapter = _confrpc(settings, root)
    else:
        adapter = adapter_of(settings.isolation.adapter, root, page=want.page)
    return Ways(want.config, want.environment, want.probe, adapter)


def _confrpc(settings: Settings, root: Path) -> Adapter:
    """The adapter that has faucetconfrpc write; its files are read now."""
    from plugin.faucet.confrpc import ConfRpc
    from plugin.faucet.credentials import Credentials
    from plugin.faucet.remote import Remote

    want = settings.isolation
    assert want.confrpc_address is not None
    assert want.confrpc_ca is not None
    assert want.confrpc_cert is not None
    credentials = Credentials(want.confrpc_ca, want.confrpc_cert, want.confrpc_key)
    remote = Remote(want.confrpc_address, credentials)
    kept = settings.run.state / "kept"
    return ConfRpc(root, page=settings.faucet.page, remote=remote, kept=kept)


def capture_order(settings: Settings) -> CaptureOrder:
    """What is captured, and how.

    Raises:
        SettingsError: no interface is named.
    """
    want = settings.capture
    if want.iface is None:
        raise SettingsError(
            "capture.iface: no interface is named: the one that the mirror port leads to"
            " (--iface NIC, or HALIA_CAPTURE_IFACE)"
        )
    opening = Opening(want.iface)
    return CaptureOrder(
        opening=opening._replace(
            names=max(NAMES_BYTES, opening.snaplen) if want.names else 0,
            blocks=max(1, want.ring // opening.block_size),
        ),
        max_devices=want.max_devices,
        names=want.names,
        repeat_ns=want.drop_repeats * 1_000_000,
        stream=True,
    )


def trace_files(settings: Settings, find: Callable[[str], Device | None]) -> TraceFiles:
    """The files of the capture, opened.

    Args:
        settings: Which folder, how large, how old.
        find: The device of a MAC, for ids that name its switch and VLAN.

    Raises:
        SettingsError: this machine cannot make such ids.
        OutputError: the folder cannot be used.
    """
    want = settings.capture
    limits = FileLimits(
        rotate_size=want.rotate_size,
        rotate_time=want.rotate_time,
        quota=want.quota,
        device_quota=want.device_quota,
        max_age=want.max_age,
        min_free=want.min_free,
    )
    return TraceFiles(places(settings).captures, limits, _ident(want.ident, find))


def broker_parameters(settings: Settings) -> pika.ConnectionParameters | None:
    """Where the broker is; None: there is none.

    Raises:
        SettingsError: address, login or certificates are wrong.
    """
    from plugin.broker.parameters import connection_parameters

    want = settings.broker
    if want.url is None:
        return None
    password = broker_password(want)
    return connection_parameters(
        want.url,
        user=want.user,
        password=None if password is None else password.reveal(),
        ca=want.ca,
        cert=want.cert,
        key=want.key,
    )


def import_early(settings: Settings) -> None:
    """Import what threads import when they first need it.

    A user who may not read where it is installed can still use what is imported before privileges
    are dropped. What runs as a process of its own (Faucet's parser, os_ken) he must be able to
    read.

    Raises:
        StoreError: what the store needs is not installed.
    """
    import netrc  # noqa: F401 - requests looks for logins

    import requests.adapters  # noqa: F401 - of Faucet's page
    import urllib3.response  # noqa: F401 - of its answers

    from plugin.store.database import load_driver

    load_driver(places(settings).store)


def needs_restart(before: Settings, after: Settings) -> set[str]:
    """Names of the settings that differ and take effect at the next start."""
    changed = {key for key in after.origins if before.value(key) != after.value(key)}
    return {key for key in changed if not key.startswith(_LIVE)}


def _ident(kind: str, find: Callable[[str], Device | None]) -> Callable[[bytes], str]:
    digest = _DIGESTS.get(kind)
    if digest is None:
        return mac_ident
    try:
        hashlib.new(digest, usedforsecurity=False)
    except ValueError as error:  # it is listed where it is only known, so it must be tried
        raise SettingsError(
            f"capture.ident: {kind} needs the digest {digest}, which this machine's OpenSSL has not"
            " (Poseidon 0.18 takes sha256: poseidon-0.18)"
        ) from error

    def ident(mac: bytes) -> str:
        device = find(mac.hex(":"))
        if device is None:  # nobody has told of it yet: the next file has Poseidon's id
            return mac_ident(mac)
        place = device.location
        return endpoint_ident(mac, f"VLAN{place.vid}", place.dp_name, digest)

    return ident
