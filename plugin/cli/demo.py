"""``halia demo``: a network made by chance, watched by Halia; one of its hosts turns bad."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, TextIO

from plugin.cli import demo_captures, options, output
from plugin.cli.columns import Cell, lay_out
from plugin.cli.live import told
from plugin.cli.main import EXIT_NO, EXIT_OK
from plugin.errors import LabError, OptionError
from plugin.lab.bad import KINDS
from plugin.lab.demo import (
    LEAST,
    LEAST_BAD,
    Said,
    Seen,
    Step,
    Wishes,
    check,
    demo,
    first_seed,
    recorded,
)
from plugin.lab.outcome import Outcome, Row
from plugin.settings import SEED_MAX

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from plugin.lab.demo import Happening
    from plugin.lab.isolation import Isolation

HELP = "Show Halia at work on a network in namespaces: every host told apart, a bad one named."
NONE = "none"
_STANDARD = Wishes()
_BEACON_SECONDS = Wishes(kind="beacon").length
_FINDING_ALARM = "behaviour"
_WISHES = ("seed", "bad", "kind", "seconds")
_HEADER = ("host", "is in truth", "Halia says", "conf", "anomaly", "why")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--seed",
        metavar="N",
        type=_seed,
        help="which office is made (default: 1, or the first in which that host can do this)",
    )
    parser.add_argument(
        "--bad", metavar="HOST|none", help=f"the host that turns bad (default: {_STANDARD.bad})"
    )
    parser.add_argument(
        "--kind", choices=sorted(KINDS),
        help=f"what it does (default: {_STANDARD.kind}); a beacon needs"
        f" --for {_BEACON_SECONDS:.0f}s",
    )  # fmt: skip
    parser.add_argument(
        "--for", dest="seconds", metavar="TIME", type=options.duration,
        help=f"how long Halia runs (default: {LEAST_BAD:.0f}s, and that is the least;"
        f" {LEAST:.0f}s with --bad none)",
    )  # fmt: skip
    parser.add_argument(
        "--recorded", action="store_true",
        help="play the recorded run, as where namespaces cannot be made",
    )  # fmt: skip
    parser.add_argument(
        "--captures", action="store_true",
        help="classify the real captures that come with Halia instead, and draw what was found",
    )  # fmt: skip
    demo_captures.configure(parser)
    parser.epilog = (
        f"Exit code 4: something was not as it should be; the last lines say what.\n{options.SPAN}."
    )


def run(args: argparse.Namespace) -> int:
    """Show a network, or the captures."""
    if args.captures:
        _refuse(args, "--captures", ("recorded", *_WISHES))
        return demo_captures.run(args)
    if args.picture is not None:
        raise OptionError("goes with --captures", where="--picture")
    output.check_outputs(args, args.out)
    if args.recorded:
        _refuse(args, "--recorded", _WISHES)
    wishes = _wishes(args)
    if not args.recorded:
        check(wishes)
    with output.text_output(args) as stream:
        return _show(args, _happenings(args, wishes), stream)


def _wishes(args: argparse.Namespace) -> Wishes:
    bad = None if args.bad == NONE else args.bad or _STANDARD.bad
    if bad is None and args.kind is not None:
        raise OptionError("nobody does it with --bad none", where="--kind")
    kind = args.kind or _STANDARD.kind
    seed = first_seed(bad, kind) if args.seed is None else args.seed
    return Wishes(seed, bad, kind, args.seconds or 0.0)


def _refuse(args: argparse.Namespace, what: str, names: tuple[str, ...]) -> None:
    """Refuse options that do not count beside another."""
    for name in names:
        given = getattr(args, name)
        if given is not None and given is not False:
            raise OptionError(
                f"does not go with {what}, which shows what it holds", where=_option(name)
            )


def _option(name: str) -> str:
    return "--" + {"seconds": "for"}.get(name, name)


def _happenings(args: argparse.Namespace, wishes: Wishes) -> Iterator[Happening]:
    """A live network where that is possible, else the recorded run; said which."""
    reason = "as you wish" if args.recorded else None
    if reason is None:
        shown = demo(wishes)
        try:
            yield next(shown)
        except LabError as error:
            reason = str(error)
        else:
            yield from shown
            return
    yield Step(f"no network of its own ({reason}): a recorded run, played through the same engine")
    unused = [_option(name) for name in _WISHES if getattr(args, name) is not None]
    if unused:
        yield Step(f"in a recorded run all is decided: {', '.join(unused)} did not count")
    yield from recorded()


def _show(args: argparse.Namespace, happenings: Iterator[Happening], stream: TextIO) -> int:
    if _is_live(args, stream):
        from plugin.cli.device_rows import Filter
        from plugin.cli.live_table import show

        kept: list[Outcome] = []
        show(_as_events(happenings, kept), Filter(), "state")
        (outcome,) = kept
    else:
        outcome = _tell(args, happenings, stream)
    failures = outcome.failures()
    if args.json:
        stream.write(output.json_line(_outcome_document(outcome)))
    else:
        stream.write(_summary(outcome, colour=_coloured(stream)))
    return EXIT_NO if failures else EXIT_OK


def _tell(args: argparse.Namespace, happenings: Iterator[Happening], stream: TextIO) -> Outcome:
    """Say all that happens, a line each; gives the outcome, which comes last."""
    for one in happenings:
        match one:
            case Outcome():
                return one
            case Step(text):
                document: Mapping[str, Any] = {"kind": "step", "text": text}
                stream.write(output.json_line(document) if args.json else f"* {text}\n")
            case Said(document) if _is_told_twice(document) and not args.json:
                continue
            case Said(document, host):
                stream.write(output.json_line(document) if args.json else told(document, host))
            case Seen():
                continue
        stream.flush()
    raise AssertionError("a demo ends with its outcome")


def _is_told_twice(document: Mapping[str, Any]) -> bool:
    """Whether it is the alarm that comes with each finding."""
    return (document["kind"], document.get("alarm")) == ("alarm", _FINDING_ALARM)


def _as_events(happenings: Iterator[Happening], kept: list[Outcome]) -> Iterator[dict[str, Any]]:
    """What the live table takes."""
    for one in happenings:
        match one:
            case Seen(devices):
                yield from ({"event": "device", "device": device} for device in devices)
            case Said(document) if document["kind"] == "alarm":
                yield {"event": "alarm", **document}
            case Step(text):
                sys.stderr.write(f"* {text}\n")
            case Outcome():
                kept.append(one)


def _is_live(args: argparse.Namespace, stream: TextIO) -> bool:
    if args.json or args.quiet or not stream.isatty():
        return False
    try:
        import rich  # noqa: F401 - is it there?
    except ImportError:
        return False
    return True


def _coloured(stream: TextIO) -> bool:
    return stream.isatty() and "NO_COLOR" not in os.environ


def _summary(outcome: Outcome, *, colour: bool) -> str:
    width = shutil.get_terminal_size().columns if colour else None
    table = lay_out([_cells(row) for row in outcome.rows], _HEADER, width=width, colour=colour)
    known = [row for row in outcome.rows if row.right is not None]
    right = sum(bool(row.right) for row in known)
    lines = [f"{len(known)} of {len(outcome.rows)} hosts are known, {right} of these rightly."]
    if outcome.bad is None:
        lines.append("None turned bad.")
    elif outcome.named_after is not None:
        lines.append(f"{outcome.bad} turned bad and was named after {outcome.named_after:.1f} s.")
    if outcome.isolation is not None and outcome.isolation.after is not None:
        after = outcome.isolation.after
        back = "then released" if outcome.isolation.released else "and not released"
        lines.append(f"It was isolated {after:.1f} s later, proven at the switch, {back}.")
    failures = outcome.failures()
    lines += [f"NOT AS IT SHOULD BE: {one}" for one in failures]
    if not failures:
        lines.append("All is as it should be.")
    return "\n" + table + "\n" + "\n".join(lines) + "\n"


def _cells(row: Row) -> list[Cell]:
    device = row.device
    if device is None:
        return [Cell(row.host), Cell(row.profile), Cell("unseen"), Cell("-"), Cell("-"), Cell("")]
    role = device["role"]
    style = {True: "green", False: "red", None: "yellow"}[row.right]
    said = role["labels"][0] if row.decision == "known" else row.decision
    confidence = f"{role['confidences'][0]:.2f}" if row.decision == "known" else "-"
    anomaly = "-" if not row.anomalous else device["anomaly"]["behaviour"][0]["name"]
    return [
        Cell(row.host), Cell(row.profile), Cell(said, style), Cell(confidence),
        Cell(anomaly, "red" if row.anomalous else ""), Cell(device["why"]),
    ]  # fmt: skip


def _outcome_document(outcome: Outcome) -> dict[str, Any]:
    return {
        "kind": "outcome",
        "live": outcome.live,
        "bad": outcome.bad,
        "named_after": outcome.named_after,
        "isolation": None if outcome.isolation is None else _isolation(outcome.isolation),
        "failures": outcome.failures(),
        "hosts": [
            {
                "host": row.host,
                "profile": row.profile,
                "truth": row.truth,
                "decision": row.decision,
                "right": row.right,
                "anomalous": row.anomalous,
                "device": row.device,
            }
            for row in outcome.rows
        ],
    }


def _isolation(seen: Isolation) -> dict[str, Any]:
    counted = ("before", "dead", "neighbour", "remedy", "again")
    answered = {name: getattr(seen, name) for name in counted}
    return {
        **seen.cast._asdict(),
        "isolated_after": seen.after,
        "answered": {name: one and one.answered for name, one in answered.items()},
        "released": seen.released,
        "trail": list(seen.trail),
    }


def _seed(text: str) -> int:
    import argparse

    if not (text.isascii() and text.isdigit() and int(text) <= SEED_MAX):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number up to {SEED_MAX}")
    return int(text)
