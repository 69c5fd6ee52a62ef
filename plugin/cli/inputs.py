"""Every file and folder that a command reads: none of its outputs may stand on one of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from plugin.cli.options import NONE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator


def inputs_of(args: argparse.Namespace) -> list[Path]:
    """Name what a command reads, whichever command it is.

    Captures and their folders, labelled lists and the captures in them, lists of captures held
    out, policies and devices to try them on, parameters of behaviours, settings, models.

    Args:
        args: the command's options; what it has of the names below is looked at.

    Returns:
        Files, and folders of which every file counts.

    Raises:
        DatasetError: a list of labelled captures cannot be read.
        SettingsError: the settings are wrong.
    """
    found: list[Path] = [*getattr(args, "paths", ()), *getattr(args, "hold_out", ())]
    if getattr(args, "folder", None) is not None:  # a journal
        found.append(args.folder)
    named = (getattr(args, name, None) for name in ("policy", "subject", "rules", "acls"))
    found += [path for path in named if isinstance(path, Path)]
    found += _learned(args)
    if hasattr(args, "behaviours"):
        found += _behaviours(args)
    if getattr(args, "data", None) is not None:
        found += _labelled(args)
    found += _settings(args)
    found += _models(args)
    return [path for path in found if str(path) != "-"]


def _learned(args: argparse.Namespace) -> Iterator[Path]:
    """What ``learn`` reads: captures, labels and what they mean, options, features to train on."""
    for name in ("pcap", "pcap_normal", "pcap_abnormal", "label"):
        given = getattr(args, name, None)
        yield from given if isinstance(given, list) else ()
    mapping = getattr(args, "label_mapping", None)
    given = [mapping, *(getattr(args, name, None) for name in ("param", "grid"))]
    if getattr(args, "action", None) == "train":
        given.append(args.feature)
    for one in given:
        if one is not None and _is_file(one):
            yield Path(one)


def _is_file(name: str | Path) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # options written out, not a file's name
        return False


def _labelled(args: argparse.Namespace) -> Iterator[Path]:
    """The list and its captures, those that ``--where`` leaves out included."""
    from plugin.offline.training import read_listing

    yield args.data
    listing = read_listing(args.data, root=args.root, label_column=args.label_column)
    for sample in listing.samples:
        yield listing.root / sample.path


def _settings(args: argparse.Namespace) -> Iterator[Path]:
    if getattr(args, "config", None) is not None:
        yield args.config
    elif getattr(args, "verb", None) != "init":  # that one writes settings and reads none
        from plugin.settings import user_file

        yield Path(os.environ.get("HALIA_CONFIG") or user_file(os.environ))


def _behaviours(args: argparse.Namespace) -> Iterator[Path]:
    """The parameters of behaviours that were named, or that the settings name."""
    from plugin.settings import load_settings

    if args.behaviours not in {None, NONE}:
        yield Path(args.behaviours)
    elif args.behaviours is None:
        named = load_settings(config=args.config).behaviours.file
        if named is not None:
            yield named


def _models(args: argparse.Namespace) -> Iterator[Path]:
    """The folders of the models that were named, and of those that come with Halia."""
    names = [getattr(args, name, None) for name in ("model", "name")]
    names += getattr(args, "names", ())
    if not any(hasattr(args, name) for name in ("model", "name", "names")):
        return
    from plugin.errors import SettingsError
    from plugin.settings import data_folder, load_settings

    settings = load_settings(config=args.config)
    yield from (Path(name) for name in (*names, settings.model) if name and Path(name).is_dir())
    try:
        yield data_folder("models", settings.data)
    except SettingsError:
        return
