"""``halia replay``: recorded events and frames through what ``halia run`` is made of."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.cli import options, output
from plugin.cli.main import EXIT_OK
from plugin.errors import OptionError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from plugin.settings import Settings

HELP = "Play recorded events of Faucet and a capture of the mirror port through the engine."
SPEED_MAX = 1e6


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--events", metavar="FILE.jsonl", type=options.path,
        help="Faucet's events, one JSON object a line, as its socket gives them",
    )  # fmt: skip
    parser.add_argument(
        "--capture", metavar="FILE.pcap", type=options.path, help="a capture of the mirror port"
    )
    parser.add_argument(
        "--state", metavar="DIR", type=options.path,
        help="keep journal and captures there (default: a folder that goes with the command)",
    )  # fmt: skip
    parser.add_argument(
        "--rotate-time", metavar="TIME", type=options.duration,
        help="length of each device's captures (capture.rotate_time)",
    )  # fmt: skip
    parser.add_argument("--model", metavar="NAME|PATH", help="the model that judges (model)")
    parser.add_argument(
        "--speed", metavar="N", type=_speed, default=0.0,
        help="so many times as fast as it was recorded (default: as fast as possible)",
    )  # fmt: skip
    options.common(parser)
    parser.epilog = f"{options.SPAN}.\nThe same recording always gives the same output."


def run(args: argparse.Namespace) -> int:
    """Play the recording."""
    from plugin.app.replay import Recording, Replay
    from plugin.cli.live import told

    if args.events is None and args.capture is None:
        raise OptionError("nothing to play", where="halia replay", advice="--events, --capture")
    output.check_outputs(args, args.out)
    with tempfile.TemporaryDirectory(prefix="halia-replay-") as folder:
        settings = _settings(args, args.state or Path(folder))
        with output.text_output(args) as stream:

            def say(document: Mapping[str, Any]) -> None:
                if "source" in document:  # its folder may be another each time
                    document = {**document, "source": Path(document["source"]).name}
                stream.write(json.dumps(document) + "\n" if args.json else told(document))
                stream.flush()

            recording = Recording(args.events, args.capture)
            Replay(recording, settings, say, pace(args.speed)).play()
    return EXIT_OK


def pace(speed: float) -> Callable[[float], None]:
    """What waits until a recorded time has come; 0 never waits."""
    begun: list[float] = []

    def wait(recorded: float) -> None:
        if not speed:
            return
        if not begun:
            begun.extend((recorded, time.monotonic()))
        due = begun[1] + (recorded - begun[0]) / speed
        time.sleep(max(0.0, due - time.monotonic()))

    return wait


def _settings(args: argparse.Namespace, state: Path) -> Settings:
    from plugin.settings import load_settings

    flags = {
        "run.state": state,
        "capture.folder": state / "captures",
        "capture.iface": "replay",
        "capture.rotate_time": args.rotate_time,
        "model": args.model,
    }
    return load_settings(config=args.config, flags=flags)


def _speed(text: str) -> float:
    import argparse

    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= SPEED_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return speed
