"""``halia decisions``: what is decided about devices; approve, deny, extend, thaw."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from plugin.cli import asking, ordering, output
from plugin.cli.main import EXIT_NO, EXIT_OK
from plugin.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Mapping

HELP = "List and show what is decided about devices; approve, deny, extend it; end a freeze."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs."""
    parser.epilog = "When no daemon runs, list and show tell what journal and Faucet's files have."
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="a table: who is isolated, asked about, let out, why")
    listing.add_argument(
        "--all", action="store_true", help="also what is over, as long as the daemon knows it"
    )
    asking.common(listing)
    show = verbs.add_parser("show", help="all about one case; exit code 4 if there is none")
    _number(show)
    asking.common(show)
    for verb, words in (("approve", "let a rule act that asks"), ("deny", "forbid it to act")):
        answer = verbs.add_parser(verb, help=words)
        _number(answer)
        ordering.reason(answer)
        asking.common(answer, out=False)
    extend = verbs.add_parser("extend", help="have an isolation end later, or sooner")
    _number(extend)
    extend.add_argument(
        "--for", dest="seconds", metavar="TIME", type=ordering.term, required=True,
        help="it ends so long from now: 30m, 2h, 1d",
    )  # fmt: skip
    ordering.reason(extend)
    asking.common(extend, out=False)
    thaw = verbs.add_parser("thaw", help="allow new isolations again after caps were reached")
    ordering.reason(thaw)
    asking.common(thaw, out=False)


def _number(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "number", metavar="CASE", type=_case, help="the number in 'halia decisions list'"
    )


def _case(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:16]) > 0 and len(text) < 16):  # noqa: PLR2004  # 2**53
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a case")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Carry out one verb."""
    if args.verb in {"list", "show"}:
        return _list(args) if args.verb == "list" else _show(args)
    name, arguments = _order(args)
    steps = ordering.ask(asking.socket_of(args), name, **arguments, reason=args.reason)
    return _tell(args, steps)


def _order(args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """What the daemon is asked for, without the reason."""
    if args.verb == "thaw":
        return "thaw", {}
    if args.verb == "extend":
        return "extend", {"number": args.number, "seconds": args.seconds}
    return "answer", {"number": args.number, "approve": args.verb == "approve"}


def _tell(args: argparse.Namespace, steps: list[dict[str, Any]]) -> int:
    for step in steps:
        if args.json:
            sys.stdout.write(output.json_line(step))
        else:
            print(ordering.step_line(step["case"]))
    if args.verb == "thaw" and not args.json:
        print("new isolations are allowed again")
    return EXIT_OK


def _list(args: argparse.Namespace) -> int:
    from plugin.cli.case_rows import HEADER, KEPT, OVER, ordered, row
    from plugin.cli.columns import lay_out

    found, words = _cases(args, over=args.all)
    cases = ordered(one for one in found if args.all or one["state"] != OVER)
    with output.text_output(args) as out:
        if args.json:
            out.writelines(output.json_line(case) for case in cases)
        else:
            now = asking.now()
            rows = [row(case, now) for case in cases]
            width, colour = asking.width_of(out), asking.coloured(out)
            out.write(lay_out(rows, HEADER, width=width, colour=colour, kept=KEPT))
    if words is None and not args.json:
        (status,) = ordering.ask(asking.socket_of(args), "status")
        words = _standing(status.get("decisions") or {}, asking.now())
    _warn(args, words)
    if not cases and not args.json:
        output.warn(args, "nothing is decided about anybody")
    return EXIT_OK


def _warn(args: argparse.Namespace, words: list[str] | None) -> None:
    for one in words or ():
        output.warn(args, one)


def _cases(
    args: argparse.Namespace, *, over: bool
) -> tuple[list[dict[str, Any]], list[str] | None]:
    """All cases; where no daemon answers those of journal and files, with words about that.

    Raises:
        PeerError: none answers, and nobody is known without it.
    """
    try:
        return ordering.ask(asking.socket_of(args), "decisions", all=over), None
    except PeerError as away:
        return _alone(args, away)


def _alone(args: argparse.Namespace, away: PeerError) -> tuple[list[dict[str, Any]], list[str]]:
    """What journal and files have."""
    from plugin.offline.standing import standing
    from plugin.settings import load_settings

    settings = load_settings(config=args.config)
    found = standing(settings.faucet.config, settings.run.state / "journal")
    unread = [f"not read: {one}" for one in found.unread]
    if found.known is None and not found.caseless:
        _warn(args, unread)
        raise away
    told = [
        f"{away.where}: {away.reason}: this is what the journal had last; no switch is read",
        *unread,
    ]
    told += [f"{mac} is isolated by Faucet's files, without a case" for mac in found.caseless]
    return list(found.cases), told


def _show(args: argparse.Namespace) -> int:
    from plugin.cli.case_page import page

    cases, words = _cases(args, over=True)
    case = next((one for one in cases if one["number"] == args.number), None)
    if case is None:
        output.complain(f"case {args.number} is not known, or no more; see 'halia audit show'")
        return EXIT_NO
    with output.text_output(args) as out:
        if args.json:
            out.write(output.json_line(case))
        else:
            width, colour = asking.width_of(out), asking.coloured(out)
            out.write(page(case, asking.now(), width=width, colour=colour))
    _warn(args, words)
    return EXIT_OK


def _standing(status: Mapping[str, Any], now: float) -> list[str]:
    """What holds for all decisions."""
    words = []
    if status.get("frozen"):
        words.append(
            f"no rule isolates anybody: {status['frozen']}; 'halia decisions thaw' allows it again"
        )
    if status.get("refused"):
        words.append(str(status["refused"]))
    until = status.get("learning_until")
    if until is not None and until > now and status.get("rules") != 0:
        words.append(f"this site learns for {asking.ago(until - now)} more: no rule acts")
    return words
