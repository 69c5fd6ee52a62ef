"""A typed tuple for each section of the settings.

Imported when a section is first asked for: the classes of this file take as long to make as all
the rest of a load, which every command does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from plugin.settings.secret import Secret


class TrainSettings(NamedTuple):
    """Section ``train``."""

    jobs: int
    seed: int


class RunSettings(NamedTuple):
    """Section ``run``."""

    state: Path
    user: str | None
    log: str
    log_level: str


class CaptureSettings(NamedTuple):
    """Section ``capture``; times in seconds, sizes in bytes, 0 is no limit."""

    iface: str | None
    folder: Path | None
    rotate_time: float
    rotate_size: int
    quota: int
    device_quota: int
    max_age: float
    min_free: int
    names: bool
    max_devices: int
    drop_repeats: int
    """Milliseconds."""
    ring: int
    ident: str


class FaucetSettings(NamedTuple):
    """Section ``faucet``."""

    config: Path
    events: str
    socket: Path
    page: str
    environment: Path | None
    probe: str | None


class MirrorSettings(NamedTuple):
    """Section ``mirror``."""

    budget: int | None
    """Bits a second."""
    window: float
    """Seconds."""
    ignore_vlans: tuple[int, ...]
    ignore_ports: tuple[str, ...]
    """``DP:PORT``."""


class IsolationSettings(NamedTuple):
    """Section ``isolation``."""

    adapter: str
    confrpc_address: str | None
    confrpc_ca: Path | None
    confrpc_cert: Path | None
    confrpc_key: Path | None


class BrokerSettings(NamedTuple):
    """Section ``broker``; the password: :func:`plugin.settings.secret.broker_password`."""

    url: str | None
    user: str | None
    password: Secret | None
    password_file: Path | None
    ca: Path | None
    cert: Path | None
    key: Path | None
    spool: int
    """Bytes."""
    republish: bool


class StoreSettings(NamedTuple):
    """Section ``store``."""

    url: str | None
    """A :class:`~plugin.settings.urls.DatabaseUrl`: its repr hides the password in it."""


class MetricsSettings(NamedTuple):
    """Section ``metrics``."""

    listen: str | None


class NotifySettings(NamedTuple):
    """Section ``notify``; what its files hold: :func:`plugin.settings.secret.read_secret`."""

    states: tuple[str, ...]
    alarms: tuple[str, ...]
    give_up: float
    """Seconds."""
    webhook_url: str | None
    webhook_secret_file: Path | None
    webhook_ca: Path | None
    syslog: str | None
    syslog_facility: str
    mail_server: str | None
    mail_tls: str
    mail_ca: Path | None
    mail_user: str | None
    mail_password_file: Path | None
    mail_from: str | None
    mail_to: tuple[str, ...]
    mail_every: float
    """Seconds."""


class ControlSettings(NamedTuple):
    """Section ``control``."""

    socket: Path
    group: str | None


class PolicySettings(NamedTuple):
    """Section ``policy``."""

    file: Path | None


class DevicesSettings(NamedTuple):
    """Section ``devices``."""

    gone_after: float
    """Seconds."""
    most: int


class BehavioursSettings(NamedTuple):
    """Section ``behaviours``."""

    file: Path | None


class DetectSettings(NamedTuple):
    """Section ``detect``."""

    flows: tuple[str, ...]
    """``ROLE=MODEL``; the role ``*`` is any other."""


class ChangeSettings(NamedTuple):
    """Section ``change``."""

    windows: int
    time: float
    """Seconds."""


SECTIONS: Mapping[str, type[tuple[Any, ...]]] = {
    "train": TrainSettings,
    "run": RunSettings,
    "capture": CaptureSettings,
    "faucet": FaucetSettings,
    "mirror": MirrorSettings,
    "isolation": IsolationSettings,
    "broker": BrokerSettings,
    "store": StoreSettings,
    "metrics": MetricsSettings,
    "notify": NotifySettings,
    "control": ControlSettings,
    "policy": PolicySettings,
    "devices": DevicesSettings,
    "behaviours": BehavioursSettings,
    "detect": DetectSettings,
    "change": ChangeSettings,
}


def section_of(name: str, values: Mapping[str, Any]) -> Any:
    """Set the values of one section into its tuple."""
    start = f"{name}."
    fields = {k.removeprefix(start): v for k, v in values.items() if k.startswith(start)}
    return SECTIONS[name](**fields)
