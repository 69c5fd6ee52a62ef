"""``halia classify``: the three likeliest roles of each device in captures, and its misdeeds."""

from __future__ import annotations

import argparse
import json
import os
from typing import TYPE_CHECKING, TextIO

from plugin.cli import options, output
from plugin.cli.inputs import inputs_of
from plugin.cli.ranking import anomalies, explained, told
from plugin.cli.tally import Tally
from plugin.errors import OptionError, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from plugin.ml.behaviour.parameters import Parameters
    from plugin.ml.flow_model import FlowModel
    from plugin.ml.model import Model
    from plugin.ml.verdict import Verdict
    from plugin.offline.classify import Options
    from plugin.records import Capture
    from plugin.settings import Settings

FLOWS_ONLY = {
    "report_all": "--report-all",
    "follow": "--follow",
    "live": "--live",
    "run_for": "--for",
    "user": "--user",
}
"""Options that only models of flows have."""
SUSPICION = "suspicion"
"""The model that weighs signs where no other is named."""
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
        default=SUSPICION,
        help="the model of how far harmless devices go in signs below the behaviours' thresholds;"
        " none, or --behaviours none: signs are not weighed",
    )
    parser.add_argument(
        "--flows",
        metavar="ROLE=MODEL|none",
        action="append",
        help="a model of flows ('halia learn') that the flows of devices of a role (* is any other)"
        " are held against for novelty; may be repeated; otherwise the setting detect.flows",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="hold each feature of a device against what is usual for its role: in the text the"
        " ten strangest, in --json all",
    )
    parser.add_argument(
        "--brief",
        action="store_true",
        help="leave out devices about which nothing is said (role undetermined, nothing found);"
        " how many is said at the end, with --json on stderr",
    )
    parser.add_argument(
        "--report-all",
        action=argparse.BooleanOptionalAction,
        help="with a model of flows: tell normal flows too, or not (default: in --json they are"
        " told, in the text they are not)",
    )
    parser.add_argument(
        "-p",
        "--pcap",
        action="append",
        default=[],
        type=options.path,
        metavar="PATH",
        help="the same as PATH: netml's spelling",
    )
    _streaming(parser)
    options.common(parser, model=True, paths=True)
    parser.epilog = (
        "A model of 'halia learn' scores flows: each flow above its threshold is an anomaly, with\n"
        "--explain it is told why; in --json an object for each flow, then one for each device\n"
        "(docs/flows.md). What follows is of models of roles.\n"
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


def _streaming(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("flows as they come (with a model of flows)")
    group.add_argument(
        "--follow",
        metavar="FILE",
        type=options.path,
        help="score the flows of a capture that is still being written, each as it ends; - is"
        " standard input",
    )
    group.add_argument("--live", metavar="NIC", help="score the flows of an interface likewise")
    group.add_argument(
        "--for",
        dest="run_for",
        metavar="TIME",
        type=options.duration,
        help="end after so long (90s, 15m); otherwise with Ctrl-C",
    )
    group.add_argument(
        "--user",
        metavar="USER[:GROUP]",
        help="with --live: become this user once the interface is open (as root)",
    )


def run(args: argparse.Namespace) -> int:
    """Classify every capture; the good ones finish when some are bad."""
    # One small product needs no threads of numpy's linear algebra; making them costs 25 ms.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from plugin.offline import classify as work
    from plugin.offline.read import find_captures
    from plugin.settings import load_settings

    args.paths += args.pcap
    settings = load_settings(config=args.config, flags={"model": args.model})
    if settings.model != work.AUTOMATIC and work.is_flow_model(settings.model, settings.data):
        from plugin.cli import classify_flows

        return classify_flows.run(args, settings)
    for name, option in FLOWS_ONLY.items():
        if getattr(args, name) is not None:
            raise OptionError(
                "is for models of flows", where=option, advice="make one with 'halia learn'"
            )
    models = work.load_models(settings.model, settings.data)
    normal = work.load_usual(None if args.normal == options.NONE else args.normal, settings.data)
    behaviours = _behaviours(args, settings)
    weighs = behaviours is not None and args.suspicion != options.NONE
    signs = work.load_signs(args.suspicion if weighs else None, settings.data)
    wanted = work.Options(
        args.device,
        args.window,
        behaviours,
        normal,
        suspicion=signs,
        explain=args.explain,
        flows=_flow_models(args, settings, models),
    )
    paths = options.input_paths(args)
    places: list[Path] = []
    if args.networkml is not None:
        paths = list(find_captures(paths, skipped=output.skip_warner(args)))
        places = _networkml_places(args, paths)
    bad: list[str] = []
    found, tally = 0, Tally(brief=args.brief)
    done: dict[Path, tuple[str, list[Verdict]]] = {}
    with output.text_output(args) as out:
        for number, capture in _captures(args, paths, bad, models, wanted):
            kept = done.setdefault(places[number], (capture.source, [])) if places else None
            verdicts = work.verdicts_of(capture, models, wanted)
            if kept is not None:
                verdicts = _keeping(verdicts, kept[1])
            found += _write(out, capture.source, verdicts, args, tally)
        _sum_up(out, tally, args)
    if args.networkml is not None:
        _write_networkml(args, models, done)
    return output.outcome(args, bad=bool(bad), found=bool(found))


def _behaviours(args: argparse.Namespace, settings: Settings) -> Parameters | None:
    """What to look for; None: nothing.

    Raises:
        OptionError: a model of suspicion is named, and nothing is looked for.
    """
    from plugin.offline.behaviours import load_parameters
    from plugin.offline.classify import DEFAULTS

    if args.behaviours == options.NONE:
        if args.suspicion not in {SUSPICION, options.NONE}:
            raise OptionError("does not go with --behaviours none", where="--suspicion")
        return None
    named = settings.behaviours.file
    file = named if args.behaviours is None else options.path(args.behaviours)
    return DEFAULTS if file is None else load_parameters(file)


def _flow_models(
    args: argparse.Namespace, settings: Settings, models: Sequence[Model]
) -> Mapping[str, FlowModel]:
    """Those of the option, else of the setting.

    Raises:
        InputError: a role is named twice.
        OptionError: an option that is not ROLE=MODEL, or a detector that is not installed.
        ModelError: there is no such model, or it is refused; the option names no role.
    """
    named = settings.detect.flows if args.flows is None else args.flows
    if not named or args.flows == [options.NONE]:
        return {}
    from plugin.offline.flow_novelty import SETTING, check_roles, load_flow_models

    where = SETTING if args.flows is None else "--flows"
    for text in named:
        if not all(part.strip() for part in text.partition("=")):
            raise OptionError(f"ROLE=MODEL is expected, not {text}", where=where)
    found = load_flow_models(named, settings.data, where)
    if args.flows is not None:  # the setting is for the models of the setting
        check_roles(found, models, where)
    return found


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
        packets=needs_packets(models, wanted.normal, wanted.flows),
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


def _write(
    out: TextIO, source: str, verdicts: Iterator[Verdict], args: argparse.Namespace, tally: Tally
) -> int:
    """Write the verdicts as they come; how many there were."""
    number, shown = 0, False
    if args.json:
        from plugin.ml.verdict import to_document

        for one in verdicts:
            if tally.shows(one):
                out.write(output.json_line(to_document(one)))
            number += 1
        return number
    for one in verdicts:
        number += 1
        if not tally.shows(one):
            continue
        if not shown:
            out.write(f"{printable(source)}\n")
            shown = True
        out.write(_text(one))
    if not number and args.device is None:
        out.write(f"{printable(source)}\n  no device\n")
    return number


def _sum_up(out: TextIO, tally: Tally, args: argparse.Namespace) -> None:
    """The last lines; with ``--json`` only how many were left out, on stderr."""
    if not args.json:
        out.writelines(f"{line}\n" for line in tally.lines())
    elif tally.left:
        output.warn(args, list(tally.lines())[-1])


def _text(one: Verdict) -> str:
    """One device for people: who, how much, and the ranking with bars."""
    name = one.mac or (one.ips[0] if one.ips else "?")
    rest = [ip for ip in one.ips if ip != name]
    more = f" and {len(rest) - 2} more" if len(rest) > 2 else ""  # noqa: PLR2004 - fits a line
    addresses = f"  {', '.join(rest[:2])}{more}" if rest else ""
    seen = f"{output.counted(one.packets, 'packet')}, {output.counted(one.sessions, 'session')}"
    lines = [f"  {name}{addresses}  {seen}"]
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
