"""Orders to the daemon: whom they hit, whether it is meant, and how far they have come."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from plugin.cli import asking, options, output
from plugin.cli.main import EXIT_NO, EXIT_OK, EXIT_PEER
from plugin.errors import PeerError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    Document = Mapping[str, Any]

WAIT_SECONDS = 10.0
POLL_SECONDS = 0.2
REASON_MAX = 500
"""Of what is asked of the daemon: a test holds it against the protocol's."""


class Reached(NamedTuple):
    """How far an order has come."""

    settled: bool
    """It will come no further by itself."""
    code: int
    words: str


def reason(parser: argparse.ArgumentParser, *, needed: bool = True) -> None:
    """Add ``--reason``."""
    parser.add_argument(
        "--reason", metavar="TEXT", type=_reason, required=needed,
        help="why, in your words: it stands in the journal beside your name",
    )  # fmt: skip


def waiting(parser: argparse.ArgumentParser) -> None:
    """Add ``--timeout`` and ``--yes``."""
    parser.add_argument(
        "--timeout", metavar="TIME", type=options.duration, default=WAIT_SECONDS,
        help=f"how long to wait until it is proven at the switches (default: {WAIT_SECONDS:g}s)",
    )  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="do it without asking")


def term(text: str) -> float:
    """Read how long something lasts: above 0."""
    seconds = options.duration(text)
    if seconds <= 0:
        raise argparse.ArgumentTypeError("an isolation that lasts no time is none")
    return seconds


def _reason(text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > REASON_MAX:
        raise argparse.ArgumentTypeError(f"a line of words is wanted, {REASON_MAX} at most")
    return text


def ask(socket: Path, what: str, **arguments: Any) -> list[dict[str, Any]]:
    """Ask the daemon.

    Raises:
        PeerError: it does not answer.
        DeniedError: it will not do that, or this user may not ask.
    """
    from plugin.control.client import ask as ask_daemon
    from plugin.control.protocol import Request

    return ask_daemon(socket, Request(ask=what, arguments=arguments))


def meant(text: str, devices: Sequence[Document], cases: Sequence[Document] = ()) -> str | None:
    """The MAC address of the device that is meant; None: nobody has that address or name.

    Raises:
        DeniedError: it could be more than one.
    """
    from plugin.control.whom import Known, whom

    gone = [Known(case["mac"], case["addresses"]) for case in cases]
    here = [Known(one["mac"], one["addresses"], one["name"]) for one in devices]
    return whom(text, {one.mac: one for one in (*gone, *here)}.values())


def who(mac: str, devices: Sequence[Document]) -> list[str]:
    """Say who a device is before something is done to it: a line each."""
    from plugin.cli.device_rows import role_of

    device = next((one for one in devices if one["mac"] == mac), None)
    if device is None:
        return [f"{mac}: not known now"]
    name = f" ({device['name']})" if device["name"] else ""
    maker = device["vendor"] or ("a made-up MAC address" if device["randomised"] else "not known")
    lines = [
        f"{mac}{name}",
        f"  role       {role_of(device)}",
        f"  maker      {maker}",
        f"  addresses  {', '.join(device['addresses']) or 'none was seen'}",
        f"  where      {_where(device, devices)}",
    ]
    return [printable(line) for line in lines]


def _where(device: Document, devices: Sequence[Document]) -> str:
    if device["dp"] is None:
        return "not told by Faucet"
    place = (device["dp"], device["port"])
    others = sum((one["dp"], one["port"]) == place for one in devices) - 1
    beside = {0: "nobody else there", 1: "1 other device there"}.get(
        others, f"{others} other devices there"
    )
    return f"switch {place[0]}, port {place[1]}, VLAN {device['vid']}; {beside}"


def agreed(args: argparse.Namespace, lines: Iterable[str], question: str) -> bool:
    """Show whom it hits and ask; without a terminal nothing is done unless ``--yes`` says so."""
    if args.yes:
        return True
    if args.json or not sys.stdin.isatty():
        output.complain("nothing was done: say --yes, or answer at a terminal")
        return False
    for line in lines:
        print(line)
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def wait(
    look: Callable[[], list[dict[str, Any]]],
    judge: Callable[[list[dict[str, Any]]], Reached],
    seconds: float,
) -> tuple[Reached, list[dict[str, Any]]]:
    """Wait until an order has come as far as it will.

    Args:
        look: gives the cases as they are now.
        judge: says how far it has come.
        seconds: how long.

    Returns:
        How far it has come, and the cases as they were then.

    Raises:
        PeerError: the daemon went away meanwhile.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            cases = look()
            found = judge(cases)
        except PeerError as error:
            raise PeerError(
                f"it was ordered, and how far it came is not known: {error.reason}",
                where=error.where,
                advice="the journal has the order; see 'halia decisions list'",
            ) from error
        if found.settled or time.monotonic() >= end:
            return found, cases
        time.sleep(POLL_SECONDS)


def isolation_reached(number: int, cases: Sequence[Document]) -> Reached:
    """How far an isolation has come."""
    from plugin.cli.case_rows import PROOFS
    from plugin.policy.reports import MISSING, REFUSED, UNREAD
    from plugin.policy.steps import UNHOOKED

    case = next((one for one in cases if one["number"] == number), None)
    if case is None or case["state"] not in {"isolating", "isolated"}:
        why = "; ".join([case["reason"], *case["notes"]]) if case else "see 'halia audit show'"
        words = f"not isolated: the case is {case['state'] if case else 'over'}: {why}"
        return Reached(settled=True, code=EXIT_NO, words=words)
    proof = str(case["proof"])
    words = PROOFS.get(proof, proof)
    refused = next((one for one in case["notes"] if one.startswith(REFUSED)), None)
    if refused is not None:
        words = f"not isolated: {refused}; it is tried on until its end, or a release"
        return Reached(settled=True, code=EXIT_NO, words=words)
    if case["state"] == "isolated" and proof == "proven":
        return Reached(settled=True, code=EXIT_OK, words=f"isolated; {words}")
    if proof == "loaded" and UNREAD in case["notes"]:
        words = f"isolated as Faucet says, not proven: {words} (faucet.probe)"
        return Reached(settled=True, code=EXIT_OK, words=words)
    missing = "".join(f"; {one}" for one in case["notes"] if one.startswith((MISSING, UNHOOKED)))
    return Reached(settled=False, code=EXIT_PEER, words=f"not isolated yet: {words}{missing}")


def release_reached(
    numbers: frozenset[int],
    cases: Sequence[Document],
    *,
    read: bool,
    problem: str | None = None,
) -> Reached:
    """How far releases have come.

    Args:
        numbers: of the cases.
        cases: as they are now.
        read: whether switches are read here.
        problem: why they cannot be read now, where they should be; None: nobody asked for that.
    """
    from plugin.policy.reports import MISSING

    rest = [one for one in cases if one["number"] in numbers and one["state"] == "releasing"]
    again = [one for one in cases if one["number"] in numbers and one["state"] in _STANDS]
    if again:
        words = f"{len(again)} of {len(numbers)} not released: isolated again"
        return Reached(settled=True, code=EXIT_NO, words=words)
    if rest:
        notes = {note for one in rest for note in one["notes"] if note.startswith(MISSING)}
        why = "".join(f"; {note}" for note in sorted(notes))
        words = f"{len(rest)} of {len(numbers)} not released yet: their rules may still stand{why}"
        return Reached(settled=False, code=EXIT_PEER, words=words)
    if read:
        how = "proven: no switch has a rule about it any more"
    else:
        unread = f"the switches cannot be read: {problem}" if problem else "no switch is read here"
        how = f"not proven: Faucet has loaded a file without it, and {unread} (faucet.probe)"
    return Reached(settled=True, code=EXIT_OK, words=f"released; {how}")


_STANDS = frozenset({"isolating", "isolated"})


def tell(args: argparse.Namespace, reached: Reached, cases: Sequence[Document]) -> int:
    """Say how far it came; gives the exit code."""
    if args.json:
        document = {"settled": reached.settled, "reached": reached.words, "cases": list(cases)}
        sys.stdout.write(output.json_line(document))
    else:
        for case in cases:
            print(step_line(case))
        print(reached.words)
    return reached.code


def step_line(case: Document) -> str:
    """A case after a step, as a line."""
    from plugin.cli.case_rows import action_of, left

    end = left(case, asking.now())
    ends = {"-": [], "released": ["until released"]}.get(end, [f"ends {end}"])
    said = [f"case {case['number']}", case["mac"], case["state"], action_of(case), *ends]
    return printable("  ".join(said))
