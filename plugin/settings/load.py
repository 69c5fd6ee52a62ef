"""The one loader of settings: defaults, halia.yaml, HALIA_ variables, options, in that order.

Every problem of a load is reported at once, each with its place and, for an unknown name,
the nearest one there is. ``halia config check`` is this loader. YAML is imported only when
there is a file to read.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from plugin.errors import SettingsError, nearest
from plugin.settings.places import settings_file
from plugin.settings.table import BY_KEY, PREFIX, SETTINGS
from plugin.settings.values import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from yaml.nodes import Node

    from plugin.settings.table import Setting
    from plugin.yaml_places import Document, Word

OTHER_VARIABLES = (
    "HALIA_CONFIG",
    "HALIA_CORE",
    "HALIA_NETML",
    "HALIA_NO_EXTENSION",
    "HALIA_PYOD",
    "HALIA_SHARED",
)
"""Variables that are no settings: see docs/settings.md."""
FREE_PREFIXES = ("HALIA_BENCH_", "HALIA_TEST_")


def load_settings(
    *,
    config: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Load the settings of one run.

    Args:
        config: the file of ``--config``; by default see :func:`settings_file`.
        flags: values of options by setting name; None means that the option was not given.
        environ: the environment; by default this process's.

    Raises:
        SettingsError: all that is wrong in the file and in the variables, and what of all
            that was given does not go together.
    """
    environment = os.environ if environ is None else environ
    load = _Load()
    file = settings_file(config, environment)
    if file is not None:
        load.file(file)
    load.variables(environment)
    for key, value in (flags or {}).items():
        if value is not None:
            load.values[BY_KEY[key].key] = value
            load.origins[key] = "option"
    return load.finish()


class _Load:
    """What has been read so far."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {setting.key: setting.default for setting in SETTINGS}
        self.origins = dict.fromkeys(self.values, "default")
        self.problems: list[str] = []
        self.wrong: set[str] = set()
        """Settings with a problem: what else would be said of them may not be true."""

    def finish(self) -> Settings:
        """Give the settings, or raise all problems."""
        if any(origin != "default" for origin in self.origins.values()):
            from plugin.settings.checks import conflicts

            for keys, problem in conflicts(self.values):
                if self.wrong.isdisjoint(keys):
                    self.problems.append(f"{self.origins[keys[0]]}: {keys[0]}: {problem}")
        if self.problems:
            raise SettingsError(*self.problems)
        return Settings(self.values, self.origins)

    def variables(self, environ: Mapping[str, str]) -> None:
        """Read what the environment sets."""
        own = sorted(name for name in environ if name.startswith(PREFIX))
        by_variable = {setting.variable: setting for setting in SETTINGS} if own else {}
        for name in own:
            if name in OTHER_VARIABLES or name.startswith(FREE_PREFIXES):
                continue
            place, text = f"variable {name}", environ[name]
            setting = by_variable.get(name)
            if setting is None:
                known = {*by_variable, *OTHER_VARIABLES}
                self.problems.append(f"{place}: no such setting{nearest(name, known)}")
                continue
            parts = [text]
            if setting.is_list:
                parts = [part.strip() for part in text.split(",")] if text.strip() else []
            self._take(setting, [(part, place) for part in parts], place)

    def file(self, file: Path) -> None:
        """Read the settings file."""
        from plugin.yaml_places import Document, read_limited

        try:
            document = Document(read_limited(file), str(file))
        except SettingsError as error:
            self.problems += error.problems
            return
        document.problems = self.problems  # one list, in the order of the file
        known: dict[str, set[str]] = {"": set()}
        for key in BY_KEY:
            section, _, name = key.rpartition(".")
            known.setdefault(section, set()).add(name)
        top = known[""] | {section for section in known if section}
        for word, node in document.entries(document.root, ""):
            if word.text and word.text in known:
                for inner, value in document.entries(node, word.text):
                    self._entry(document, inner, value, (f"{word.text}.", known[word.text]))
            else:
                self._entry(document, word, node, ("", top))

    def _entry(
        self, document: Document, name: Word, node: Node, section: tuple[str, set[str]]
    ) -> None:
        """Read one entry of the file, or of a section: its path and the names it can have."""
        key = section[0] + name.text
        if name.text not in section[1]:
            document.note(name.place, key, f"no such setting{nearest(name.text, section[1])}")
            return
        setting = BY_KEY[key]
        texts = document.texts(node, key, many=setting.is_list)
        if texts is None:
            self.wrong.add(key)
        else:
            self._take(setting, texts, document.place(node))

    def _take(self, setting: Setting, texts: Sequence[tuple[str | None, str]], place: str) -> None:
        """Take a value, or the items of a list; each wrong one is told at its own place."""
        from plugin.settings.kinds import convert

        found = []
        for text, at in texts:
            try:
                found.append(convert(setting, text))
            except ValueError as error:
                self.problems.append(f"{at}: {setting.key}: {error}")
                self.wrong.add(setting.key)
        self.origins[setting.key] = place
        if setting.is_list:
            self.values[setting.key] = tuple(found)
        elif found:
            self.values[setting.key] = found[0]
