"""``halia classify``: the three likeliest roles of each device in captures, and its misdeeds."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, TextIO

from plugin.cli import options, output
from plugin.cli.inputs import inputs_of
from plugin.cli.ranking import anomalies, explained, told
from plugin.errors import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from plugin.ml.behaviour.parameters import Parameters
    from plugin.ml.model import Model
    from plugin.ml.verdict import Verdict
    from plugin.offline.classify import Options
    from plugin.records import Capture
    from plugin.settings import Settings

HELP = "The three likeliest roles of each device in captures, and its bad behaviours."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--device",
        metavar="MAC|IP",
        type=options.device,
        help="only this device; exit code 4 if it is in none of the captures",
    )
    parser.add_argument(
        "--window",
        metavar="TIME",
        type=options.window,
        help="predict for each such part of a capture (15m, 1h) and average the parts in which the"
        " device has sessions; a session counts where it begins",
    )
    parser.add_argument(
        "--networkml",
        metavar="DIR",
        type=options.path,
        help="also write NetworkML's predict.json there, as Poseidon takes it; of several captures"
        " NAME.predict.json each",
    )
    parser.add_argument(
        "--behaviours",
        metavar="FILE|none",
        help="parameters of the bad behaviours that are looked for (see configs/behaviours.yaml),"
        " or none to look for none; otherwise the setting behaviours.file",
    )
    parser.add_argument(
        "--normal",
        metavar="NAME|PATH|none",
        default="normal",
        help="the model of normal that devices are compared with, or none to look for no novelty",
    )
    parser.add_argument(
        "--suspicion",
        metavar="NAME|PATH|none",
        default="suspicion",
        help="the model of how far harmless devices go in signs below the behaviours' thresholds;"
        " none, or --behaviours none: signs are not weighed",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="hold each feature of a device against what is usual for its role: in the text the"
        " ten strangest, in --json all",
    )
    options.common(parser, model=True, paths=True)
    parser.epilog = (
        "Without --model the shipped models run: 'device' (kinds of devices) and 'enterprise'\n"
        "(roles). Where both or one of them knows the role, the one with the higher confidence\n"
        "among these answers. Where neither does, the role in --json is that of 'enterprise', and\n"
        "the text names what each model would guess, the surer one first.\n"
        "A role is known, unknown (no role fits well enough) or undetermined (too little was\n"
        "seen, or it is a router that stands for other devices). The ranking is there in any\n"
        "case: in --json always three labels, in the text those of 0.01 and more.\n"
        "A device that scans, guesses passwords, floods, spoofs ARP or beacons is anomalous,\n"
        "whatever its role (docs/behaviours.md). One that is unlike what is known of its role, or\n"
        "fits no role at all, is novel; new is not bad (docs/novelty.md).\n" + options.SPAN + "."
    )


def run(args: argparse.Namespace) -> int:
    """Classify every capture; the good ones finish when some are bad."""
    # One small product needs no threads of numpy's linear algebra; making them costs 25 ms.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from plugin.offline import classify as work
    from plugin.offline.read import find_captures
    from plugin.settings import load_settings

    settings = load_settings(config=args.config, flags={"model": args.model})
    models = work.load_models(settings.model, settings.data)
    normal = work.load_usual(None if args.normal == options.NONE else args.normal, settings.data)
    behaviours = _behaviours(args, settings)
    weighs = behaviours is not None and args.suspicion != options.NONE
    signs = work.load_signs(args.suspicion if weighs else None, settings.data)
    wanted = work.Options(
        args.device, args.window, behaviours, normal, suspicion=signs, explain=args.explain
    )
    paths = options.input_paths(args)
    places: list[Path] = []
    if args.networkml is not None:
        paths = list(find_captures(paths, skipped=output.skip_warner(args)))
        places = _networkml_places(args, paths)
    bad: list[str] = []
    found = 0
    done: dict[Path, tuple[str, list[Verdict]]] = {}
    with output.text_output(args) as out:
        for number, capture in _captures(args, paths, bad, models, wanted):
            kept = done.setdefault(places[number], (capture.source, [])) if places else None
            verdicts = work.verdicts_of(capture, models, wanted)
            if kept is not None:
                verdicts = _keeping(verdicts, kept[1])
            found += _write(out, capture.source, verdicts, args)
    if args.networkml is not None:
        _write_networkml(args, models, done)
    return output.outcome(args, bad=bool(bad), found=bool(found))


def _behaviours(args: argparse.Namespace, settings: Settings) -> Parameters | None:
    """What to look for; None: nothing."""
    from plugin.offline.behaviours import load_parameters
    from plugin.offline.classify import DEFAULTS

    if args.behaviours == options.NONE:
        return None
    named = settings.behaviours.file
    file = named if args.behaviours is None else options.path(args.behaviours)
    return DEFAULTS if file is None else load_parameters(file)


def _captures(
    args: argparse.Namespace,
    paths: Sequence[Path],
    bad: list[str],
    models: Sequence[Model],
    wanted: Options,
) -> Iterator[tuple[int, Capture]]:
    """The captures that can be read, with their numbers; complaints are said and collected."""
    from plugin.errors import CaptureError
    from plugin.offline.classify import needs_packets
    from plugin.offline.read import iter_captures, remark

    found = iter_captures(
        paths,
        packets=needs_packets(models, wanted.normal),
        watched=wanted.behaviours is not None,
        skipped=output.skip_warner(args),
    )
    for number, capture in enumerate(found):
        problem = capture if isinstance(capture, CaptureError) else capture.problem
        if problem is not None:
            output.complain(str(problem))
            bad.append(str(problem))
        if isinstance(capture, CaptureError):
            continue
        if said := remark(capture.source, capture.totals):
            output.warn(args, said)
        if capture.totals.macs_dropped:
            output.warn(
                args,
                f"{capture.source}: more than {capture.totals.macs:,} link addresses: further ones,"
                f" seen {capture.totals.macs_dropped:,} times, were not told apart",
            )
        yield number, capture


def _keeping(verdicts: Iterator[Verdict], kept: list[Verdict]) -> Iterator[Verdict]:
    for one in verdicts:
        kept.append(one)
        yield one


def _write(out: TextIO, source: str, verdicts: Iterator[Verdict], args: argparse.Namespace) -> int:
    """Write the verdicts as they come; how many there were."""
    number = 0
    if args.json:
        from plugin.ml.verdict import to_document

        for one in verdicts:
            out.write(output.json_line(to_document(one)))
            number += 1
        return number
    for number, one in enumerate(verdicts, 1):
        if number == 1:
            out.write(f"{printable(source)}\n")
        out.write(_text(one))
    if not number and args.device is None:
        out.write(f"{printable(source)}\n  no device\n")
    return number


def _text(one: Verdict) -> str:
    """One device for people: who, how much, and the ranking with bars."""
    name = one.mac or (one.ips[0] if one.ips else "?")
    rest = [ip for ip in one.ips if ip != name]
    more = f" and {len(rest) - 2} more" if len(rest) > 2 else ""  # noqa: PLR2004 - fits a line
    addresses = f"  {', '.join(rest[:2])}{more}" if rest else ""
    lines = [f"  {name}{addresses}  {one.packets} packets, {one.sessions} sessions"]
    lines += anomalies(one)
    lines += explained(one)
    lines += told(one)
    lines += [f"    note: {warning}" for warning in one.warnings]
    return "".join(printable(line) + "\n" for line in lines)


def _networkml_places(args: argparse.Namespace, paths: Sequence[Path]) -> list[Path]:
    """The file of each capture; looked at before the work, as every output is.

    Raises:
        OutputError: one exists, or is an input, or the folder is a file.
    """
    from plugin.errors import OutputError
    from plugin.offline.networkml import file_names

    folder: Path = args.networkml
    if folder.exists() and not folder.is_dir():
        raise OutputError("cannot be made: a file is there", where=str(folder))
    places = [folder / name for name in file_names(list(map(str, paths)))]
    output.check_outputs(args, args.out, *places)
    return places


def _write_networkml(
    args: argparse.Namespace,
    models: Sequence[Model],
    done: Mapping[Path, tuple[str, list[Verdict]]],
) -> None:
    from plugin.offline.networkml import predictions

    labels = {label: ours for m in models for label, ours in m.manifest.networkml.items()}
    files = {
        place: json.dumps(predictions(*one, labels), indent=1, allow_nan=False).encode() + b"\n"
        for place, one in done.items()
    }
    output.write_all(args.networkml, files, force=args.force, inputs=inputs_of(args))
