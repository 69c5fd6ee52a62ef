"""The one loader of settings: defaults, halia.yaml, HALIA_ variables, options, in that order.

Every problem of a load is reported at once, each with its place and, for an unknown name,
the nearest one there is. ``halia config check`` is this loader. YAML is imported only when
there is a file to read. This file also finds models/ and configs/, wherever Halia stands.
"""

from __future__ import annotations

import os
import stat
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from yaml.nodes import Node

PREFIX = "HALIA_"
OTHER_VARIABLES = ("HALIA_CONFIG", "HALIA_CORE", "HALIA_NO_EXTENSION", "HALIA_SHARED")
"""Variables that are no settings: see docs/settings.md."""
FREE_PREFIXES = ("HALIA_BENCH_", "HALIA_TEST_")
FILE_BYTES_MAX = 1 << 20
"""A larger settings file is refused unread: it is something else."""

SEED_MAX = 2**32 - 1
"""numpy's and scikit-learn's generators take no larger one."""

Value = str | int | Path | None


class Setting(NamedTuple):
    """One setting: its name in the file, what it may be, and what it is for."""

    key: str
    kind: str
    """"text", "folder" or "count" (a whole number)."""
    default: Value
    doc: str
    most: int | None = None
    """The largest count that can be used."""

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.key.upper().replace(".", "_")


SETTINGS = (
    Setting(
        "model",
        "text",
        "auto",
        "the model that classify uses: auto, a shipped model's name, or a model's directory",
    ),
    Setting(
        "data",
        "folder",
        None,
        "the folder that holds models/ and configs/; null: beside the checkout, else as installed",
    ),
    Setting("train.jobs", "count", 0, "processes that train and evaluate use; 0: one for each CPU"),
    Setting("train.seed", "count", 1, "seed of everything random in train and evaluate", SEED_MAX),
)
_NULL = "tag:yaml.org,2002:null"
_BY_KEY = {setting.key: setting for setting in SETTINGS}
_SECTIONS = {key.partition(".")[0] for key in _BY_KEY if "." in key}


class TrainSettings(NamedTuple):
    """Section ``train``."""

    jobs: int
    seed: int


class Settings(NamedTuple):
    """All settings of one run."""

    model: str
    data: Path | None
    train: TrainSettings
    origins: Mapping[str, str]
    """Where each value came from: ``default``, ``FILE:LINE:COLUMN``, a variable, ``option``."""

    def value(self, key: str) -> Value:
        """Give one value by its name in the file, such as ``train.seed``."""
        found: Any = self
        for part in key.split("."):
            found = getattr(found, part)
        return found  # type: ignore[no-any-return]  # the table and the tuples agree: a test


def load_settings(
    *,
    config: Path | None = None,
    flags: Mapping[str, Value] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Load the settings of one run.

    Args:
        config: the file of ``--config``; by default see :func:`settings_file`.
        flags: values of options by setting name; None means that the option was not given.
        environ: the environment; by default this process's.

    Raises:
        SettingsError: all that is wrong in the file and in the variables.
    """
    environment = os.environ if environ is None else environ
    values: dict[str, Value] = {setting.key: setting.default for setting in SETTINGS}
    origins = dict.fromkeys(values, "default")
    problems: list[str] = []
    file = settings_file(config, environment)
    in_file = () if file is None else _read_file(file, problems)
    for setting, text, place in chain(in_file, _read_environment(environment, problems)):
        try:
            values[setting.key] = _convert(setting, text)
        except ValueError as error:
            problems.append(f"{place}: {setting.key}: {error}")
        origins[setting.key] = place
    if problems:
        raise SettingsError(*problems)
    for key, value in (flags or {}).items():
        if value is not None:
            values[_BY_KEY[key].key] = value
            origins[key] = "option"
    return _settings(values, origins)


def settings_file(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Find the settings file: ``--config``, HALIA_CONFIG, the user's, the machine's, or none.

    Raises:
        SettingsError: a file that was named is not there, or is no file.
    """
    named = config or (Path(environ["HALIA_CONFIG"]) if environ.get("HALIA_CONFIG") else None)
    if named is not None:
        _check_named(named)
        return named
    return next((p for p in (user_file(environ), Path("/etc/halia/halia.yaml")) if _there(p)), None)


def user_file(environ: Mapping[str, str]) -> Path:
    """Name the user's own settings file (``halia config init`` makes it)."""
    home = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "/")) / ".config")
    return Path(home) / "halia" / "halia.yaml"


def data_folder(name: str, folder: Path | None = None) -> Path:
    """Find one of the folders that come with Halia.

    Args:
        name: ``models`` or ``configs``.
        folder: the setting ``data``: if given, nothing else is tried.

    Returns:
        The folder: under ``folder``, else HALIA_DATA, else the checkout, else the place
        where a wheel puts it.

    Raises:
        SettingsError: there is none.
    """
    named = folder or (Path(os.environ["HALIA_DATA"]) if os.environ.get("HALIA_DATA") else None)
    for base in [named] if named else _data_places():
        if (base / name).is_dir():
            return base / name
    where = named or "this installation"
    raise SettingsError(f"{where}: holds no folder {name}/; name its parent with HALIA_DATA")


def default_text() -> str:
    """Write the settings file with every setting at its default, explained."""
    lines = ["# Settings of Halia. Every line may be left out. See docs/settings.md."]
    section = ""
    for setting in SETTINGS:
        head, _, tail = setting.key.rpartition(".")
        if head != section:
            section = head
            lines += ["", f"{head}:"]
        indent = "  " if head else ""
        value = "null" if setting.default is None else str(setting.default)
        lines += [*([] if head else [""]), f"{indent}# {setting.doc}", f"{indent}{tail}: {value}"]
    return "\n".join(lines) + "\n"


def nearest(name: str, known: Mapping[str, object] | set[str]) -> str:
    """Say which known name an unknown one is near to, as a clause for the message."""
    import difflib

    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(sorted(known))}"


def _check_named(file: Path) -> None:
    try:
        regular = stat.S_ISREG(file.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SettingsError(f"{file}: no such settings file") from error
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error
    if not regular:
        raise SettingsError(f"{file}: is no regular file")


def _there(file: Path) -> bool:
    """Whether a file is there that nobody has named: in a folder closed to us there is none."""
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except OSError:
        return False


def _data_places() -> Iterator[Path]:
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "setup.cfg").is_file():
        yield checkout
    import sysconfig

    yield Path(sysconfig.get_path("data")) / "share" / "halia"


def _settings(values: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    return Settings(
        model=values["model"],
        data=values["data"],
        train=TrainSettings(jobs=values["train.jobs"], seed=values["train.seed"]),
        origins=origins,
    )


def _convert(setting: Setting, text: str | None) -> Value:
    """Turn the text of a file or variable into a value (ValueError tells what was expected)."""
    if text is None:
        if setting.default is None:
            return None
        raise ValueError(f"a {setting.kind} is expected, not null")
    if setting.kind == "count":
        digits = text.replace("_", "")
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError(f"a whole number is expected, not {text!r}")
        if setting.most is not None and int(digits) > setting.most:
            raise ValueError(f"at most {setting.most} is expected, not {text}")
        return int(digits)
    if not text:
        raise ValueError(f"a {setting.kind} is expected, not an empty text")
    return Path(text).expanduser() if setting.kind == "folder" else text


def _read_environment(
    environ: Mapping[str, str], problems: list[str]
) -> Iterator[tuple[Setting, str, str]]:
    by_variable = {setting.variable: setting for setting in SETTINGS}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in OTHER_VARIABLES or name.startswith(FREE_PREFIXES):
            continue
        if name in by_variable:
            yield by_variable[name], environ[name], f"variable {name}"
        else:
            known = {*by_variable, *OTHER_VARIABLES}
            problems.append(f"variable {name}: no such setting{nearest(name, known)}")


def _read_file(file: Path, problems: list[str]) -> Iterator[tuple[Setting, str | None, str]]:
    import yaml

    try:
        with file.open("rb") as stream:
            content = stream.read(FILE_BYTES_MAX + 1)
        if len(content) > FILE_BYTES_MAX:
            raise SettingsError(f"{file}: larger than {FILE_BYTES_MAX} bytes: not a settings file")
        root = yaml.compose(content, Loader=yaml.SafeLoader)
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise SettingsError(f"{file}: nested too deeply") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
        problems.append(f"{place}: {error.problem or error.context}")
        return
    except yaml.YAMLError as error:  # bytes that are no text
        problems.append(f"{file}: {' '.join(str(error).split())}")
        return
    if root is not None:
        yield from _walk(file, root, "", problems)


def _walk(
    file: Path, node: Node, section: str, problems: list[str]
) -> Iterator[tuple[Setting, str | None, str]]:
    """Go through one mapping of the file; ``section`` is the name before the dot, or empty."""
    from yaml.nodes import MappingNode, ScalarNode

    if node.tag == _NULL:
        return
    if not isinstance(node, MappingNode):
        problems.append(f"{_place(file, node)}: {section or 'the file'}: a mapping is expected")
        return
    prefix = f"{section}." if section else ""
    known = {k.removeprefix(prefix).partition(".")[0] for k in _BY_KEY if k.startswith(prefix)}
    seen: set[str] = set()
    for name, value in node.value:
        key = name.value if isinstance(name, ScalarNode) else "a key that is no plain text"
        if key not in known:
            problems.append(
                f"{_place(file, name)}: {prefix}{key}: no such setting{nearest(key, known)}"
            )
        elif key in seen:
            problems.append(f"{_place(file, name)}: {prefix}{key}: given twice")
        elif not section and key in _SECTIONS:
            yield from _walk(file, value, key, problems)
        elif isinstance(value, ScalarNode):
            text = None if value.tag == _NULL else value.value
            yield _BY_KEY[prefix + key], text, _place(file, value)
        else:
            problems.append(f"{_place(file, value)}: {prefix}{key}: one value is expected")
        seen.add(key)


def _place(file: Path, node: Node) -> str:
    return f"{file}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
