"""The settings of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from plugin.settings import groups


class Settings:
    """All settings of one run: those without a section, and a typed tuple for each section.

    Args:
        values: by key, such as ``train.seed``.
        origins: where each came from.
    """

    model: str
    data: Path | None
    train: groups.TrainSettings
    run: groups.RunSettings
    capture: groups.CaptureSettings
    faucet: groups.FaucetSettings
    mirror: groups.MirrorSettings
    isolation: groups.IsolationSettings
    broker: groups.BrokerSettings
    store: groups.StoreSettings
    metrics: groups.MetricsSettings
    notify: groups.NotifySettings
    control: groups.ControlSettings
    policy: groups.PolicySettings
    devices: groups.DevicesSettings
    behaviours: groups.BehavioursSettings
    detect: groups.DetectSettings
    change: groups.ChangeSettings
    origins: Mapping[str, str]
    """Where each value came from: ``default``, ``FILE:LINE:COLUMN``, a variable, ``option``."""

    def __init__(self, values: Mapping[str, Any], origins: Mapping[str, str]) -> None:
        self._values = values
        self.origins = origins

    def value(self, key: str) -> Any:
        """Give one value by its name in the file, such as ``train.seed``."""
        return self._values[key]

    def __repr__(self) -> str:
        """All values by key; of a secret, that there is one."""
        return f"Settings({', '.join(f'{k}={v!r}' for k, v in self._values.items())})"

    if not TYPE_CHECKING:  # a checker would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            """Give what is asked for the first time, and keep it."""
            if name.startswith("_") or name not in type(self).__annotations__:
                raise AttributeError(f"no such section or setting: {name}")
            if name in self._values:
                found = self._values[name]
            else:
                from plugin.settings.groups import section_of

                found = section_of(name, self._values)
            self.__dict__[name] = found
            return found
