"""``halia devices label``: what a live device is, with its captures, in a list to train on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.cli import asking, label, options, output
from plugin.cli.main import EXIT_NO, EXIT_OK

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from pathlib import Path

HELP = "say what a device is: its finished captures go into a list that train and evaluate read"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("device", metavar="DEVICE", help="its MAC address, IP address or name")
    parser.add_argument("label", metavar="LABEL", help="what it is")
    label.add_list(parser, "labels.csv in run.state")
    parser.add_argument(
        "--captures", metavar="FOLDER", type=options.path,
        help="where the daemon's captures are (default: the settings' folder)",
    )  # fmt: skip
    asking.common(parser, out=False)


def run(args: argparse.Namespace) -> int:
    """Ask which device is meant, and label its captures."""
    from plugin.control.client import ask
    from plugin.control.protocol import Request
    from plugin.ml.vocabulary import FILE, load_vocabulary
    from plugin.offline.labelling import LIST_NAME, List
    from plugin.settings import data_folder, load_settings

    found = ask(asking.socket_of(args), Request(ask="device", arguments={"key": args.device}))
    if not found:
        output.complain(f"{args.device}: no such device is known; see 'halia devices list'")
        return EXIT_NO
    (device,) = found
    settings = load_settings(config=args.config)
    state = settings.run.state
    folder = args.captures or settings.capture.folder or state / "captures"
    captures = captures_of(device, folder)
    if not captures:
        output.complain(f"{folder}: no finished capture of {device['mac']} is there (yet)")
        return EXIT_NO
    labels = List(args.list or state / LIST_NAME, args.network)
    vocabulary = load_vocabulary(data_folder("configs", settings.data) / FILE)
    for path in captures:
        label.put(args, labels, path, device["mac"], args.label, vocabulary)
    return EXIT_OK


def captures_of(device: Mapping[str, Any], folder: Path) -> list[Path]:
    """The finished captures of a device that are in a folder, by name: the oldest first.

    Their names tell the device, unless they are made as another program makes them; then it is the
    device's history that names them.
    """
    from plugin.capture.rotate import ident_of, mac_of

    told = {entry["body"].get("capture") for entry in device.get("history") or ()}
    told.add(device["last_capture"])
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:
        return []
    mine = (
        name
        for name in names
        if (ident := ident_of(name)) is not None
        and (mac_of(ident) == device["mac"] or name in told)
    )
    return [folder / name for name in mine]
