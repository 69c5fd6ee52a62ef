"""Settings: one table, one loader.

Every command loads them, so that this imports no more than a load does where nothing is set: the
sections' types are in ``groups``, what values are and how they look in ``kinds``, secrets
in ``secret``.
"""

from __future__ import annotations

from plugin.settings.load import OTHER_VARIABLES, load_settings
from plugin.settings.places import data_folder, settings_file, user_file
from plugin.settings.table import SEED_MAX, SETTINGS, Setting
from plugin.settings.values import Settings

__all__ = [
    "OTHER_VARIABLES",
    "SEED_MAX",
    "SETTINGS",
    "Setting",
    "Settings",
    "data_folder",
    "load_settings",
    "settings_file",
    "user_file",
]
