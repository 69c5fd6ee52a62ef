"""``halia classify``: the three likeliest roles of each device in captures."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, TextIO

from plugin.cli import options, output
from plugin.cli.ranking import told
from plugin.errors import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from plugin.ml.model import Model
    from plugin.ml.verdict import Verdict
    from plugin.records import Capture

HELP = "The three likeliest roles of each device in captures."


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
    options.common(parser, model=True, paths=True)
    parser.epilog = (
        "Without --model the shipped models run: 'device' (kinds of devices) and 'enterprise'\n"
        "(roles). Where both or one of them knows the role, the one with the higher confidence\n"
        "among these answers. Where neither does, the role in --json is that of 'enterprise', and\n"
        "the text names what each model would guess, the surer one first.\n"
        "A role is known, unknown (no role fits well enough) or undetermined (too little was\n"
        "seen, or it is a router that stands for other devices). The ranking is there in any\n"
        "case: in --json always three labels, in the text those of 0.01 and more.\n"
        + options.SPAN
        + "."
    )


def run(args: argparse.Namespace) -> int:
    """Classify every capture; the good ones finish when some are bad."""
    # One small product needs no threads of numpy's linear algebra; making them costs 25 ms.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from plugin.offline import classify as work
    from plugin.settings import load_settings

    settings = load_settings(config=args.config, flags={"model": args.model})
    models = work.load_models(settings.model, settings.data)
    wanted = work.Options(args.device, args.window)
    bad: list[str] = []
    found = 0
    done: list[tuple[str, list[Verdict]]] = []
    with output.text_output(args) as out:
        for capture in _captures(args, bad, packets=work.needs_packets(models)):
            verdicts = work.classify_capture(capture, models, wanted)
            found += len(verdicts)
            if args.networkml is not None:
                done.append((capture.source, verdicts))
            if verdicts or args.device is None:
                _write(out, capture.source, verdicts, as_json=args.json)
    if args.networkml is not None:
        _write_networkml(args, models, done)
    return output.outcome(args, bad=bool(bad), found=bool(found))


def _captures(args: argparse.Namespace, bad: list[str], *, packets: bool) -> Iterator[Capture]:
    """The captures that can be read; complaints about the others are said and collected."""
    from plugin.errors import CaptureError
    from plugin.offline.read import iter_captures, remark

    paths, skipped = options.input_paths(args), output.skip_warner(args)
    for capture in iter_captures(paths, packets=packets, skipped=skipped):
        problem = capture if isinstance(capture, CaptureError) else capture.problem
        if problem is not None:
            output.complain(str(problem))
            bad.append(str(problem))
        if isinstance(capture, CaptureError):
            continue
        if said := remark(capture.source, capture.totals):
            output.warn(args, said)
        yield capture


def _write(out: TextIO, source: str, verdicts: Sequence[Verdict], *, as_json: bool) -> None:
    if as_json:
        from plugin.ml.verdict import to_document

        out.writelines(json.dumps(to_document(one)) + "\n" for one in verdicts)
    else:
        out.write(f"{printable(source)}\n")
        if not verdicts:
            out.write("  no device\n")
        out.writelines(_text(one) for one in verdicts)


def _text(one: Verdict) -> str:
    """One device for people: who, how much, and the ranking with bars."""
    name = one.mac or (one.ips[0] if one.ips else "?")
    rest = [ip for ip in one.ips if ip != name]
    more = f" and {len(rest) - 2} more" if len(rest) > 2 else ""  # noqa: PLR2004 - fits a line
    addresses = f"  {', '.join(rest[:2])}{more}" if rest else ""
    lines = [f"  {name}{addresses}  {one.packets} packets, {one.sessions} sessions"]
    lines += told(one)
    lines += [f"    note: {warning}" for warning in one.warnings]
    return "".join(printable(line) + "\n" for line in lines)


def _write_networkml(
    args: argparse.Namespace, models: Sequence[Model], done: Sequence[tuple[str, list[Verdict]]]
) -> None:
    from plugin.errors import OutputError
    from plugin.offline.networkml import file_names, predictions

    folder: Path = args.networkml
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot be made: {error.strerror}", where=str(folder)) from error
    labels = {label: ours for m in models for label, ours in m.manifest.networkml.items()}
    for (source, verdicts), name in zip(done, file_names([s for s, _ in done]), strict=True):
        text = json.dumps(predictions(source, verdicts, labels), indent=1)
        with output.binary_output(folder / name, force=args.force, inputs=args.paths) as stream:
            stream.write(text.encode() + b"\n")
