"""``halia classify --follow, --live``: flows are scored while they come, and told as they end."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

from plugin.cli import output
from plugin.errors import OptionError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable
    from types import FrameType

    from plugin.ml.flow_model import FlowModel
    from plugin.offline.flow_stream import FlowStream, Scores

WAIT_SECONDS = 0.2
ONLY_HERE = {"run_for": "--for", "user": "--user"}


def is_wanted(args: argparse.Namespace) -> bool:
    """Whether a stream is asked for.

    Raises:
        OptionError: options that do not go together.
    """
    if args.follow is None and args.live is None:
        for name, option in ONLY_HERE.items():
            if getattr(args, name) is not None:
                raise OptionError("goes with --follow or --live only", where=option)
        return False
    where = "--follow" if args.live is None else "--live"
    if args.follow is not None and args.live is not None:
        raise OptionError("is one input, and --follow is another", where="--live")
    if args.paths:
        raise OptionError(f"{args.paths[0]} is one input, and this is another", where=where)
    if args.out is not None:
        raise OptionError(
            f"does not go with {where}, which has no end",
            where="--out",
            advice="send standard output to a file: halia classify … > FILE",
        )
    if args.user is not None and args.live is None:
        raise OptionError("goes with --live only", where="--user")
    return True


def run(args: argparse.Namespace, model: FlowModel) -> int:
    """Score until a signal, the end of the input, or the time asked for."""
    told = _Telling(args, model)
    ending = _Ending(args.run_for)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ending.ask)
    return (
        _follow(args, model, told, ending)
        if args.live is None
        else _live(args, model, told, ending)
    )


def _follow(args: argparse.Namespace, model: FlowModel, told: _Telling, ending: _Ending) -> int:
    from plugin.errors import printable
    from plugin.offline.flow_stream import FlowStream

    name = "standard input" if str(args.follow) == "-" else printable(str(args.follow))
    stream = FlowStream(model, name, device=args.device)

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")

    for scores in stream.follow(args.follow, ending.over, time.sleep):
        told.tell(stream, [scores], say)
        sys.stdout.flush()
    told.end(stream, say)
    return output.outcome(args, bad=False, found=bool(stream.flows))


def _live(args: argparse.Namespace, model: FlowModel, told: _Telling, ending: _Ending) -> int:
    """As ``halia capture``: privileges go once the interface is open."""
    from plugin.capture import privileges
    from plugin.capture.live import LiveCapture, Settings, open_feed
    from plugin.capture.packet_socket import Opening, check_interface
    from plugin.cli.lines import LineWriter
    from plugin.offline.flow_stream import FlowStream

    stream = FlowStream(model, args.live, device=args.device)
    settings = Settings(opening=Opening(args.live), stream=True)
    account = privileges.find_account(args.user) if args.user else None
    check_interface(args.live)
    feed = open_feed(settings)
    if account is not None:
        privileges.drop(account)
    capture = LiveCapture(settings, feed=feed)
    lines = LineWriter(sys.stdout)
    try:
        while not (ending.over() or lines.gone):
            batch = capture.poll(_now(), WAIT_SECONDS)
            told.tell(stream, stream.feed(batch.stream), lines.say)
            if batch.idle:  # nothing waits, so time goes on without packets
                told.tell(stream, stream.advance(time.time_ns()), lines.say)
            for alarm in batch.alarms:
                output.warn(args, alarm.text)
        told.tell(stream, stream.feed(capture.stop(_now(), time.sleep).stream), lines.say)
        told.tell(stream, stream.finish(), lines.say)
        told.end(stream, lines.say)
    finally:
        lines.close()
        if lines.left_out:
            output.warn(args, f"{lines.left_out:,} lines were left out")
    counters = capture.counters()
    if missed := counters.kernel_drops + counters.unread:
        output.warn(args, f"{missed:,} frames were missed")
    return output.outcome(args, bad=False, found=bool(stream.flows))


def _now() -> float:
    return time.time_ns() / 1e9


class _Ending:
    """When to end: asked once by a signal (which a second time ends at once), or after a while."""

    def __init__(self, seconds: float | None) -> None:
        self._until = None if seconds is None else time.monotonic() + seconds
        self._asked = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Note a signal."""
        del frame
        self._asked = True
        signal.signal(number, signal.SIG_DFL)

    def over(self) -> bool:
        """Whether it is time."""
        return self._asked or (self._until is not None and time.monotonic() >= self._until)


class _Telling:
    """Lines of flows, warnings of what was ended early, and the summary."""

    def __init__(self, args: argparse.Namespace, model: FlowModel) -> None:
        self._args, self._model = args, model
        self._warned: set[str] = set()

    def tell(self, stream: FlowStream, found: Iterable[Scores], say: Callable[[str], None]) -> None:
        """Say the flows that ended: in JSON all, in the text the anomalies, unless asked for."""
        from plugin.cli.classify_flows import lines_of

        args = self._args
        for scores in found:
            if args.json:
                for document in stream.documents(scores, explain=args.explain):
                    if document["abnormal"] or args.report_all is not False:
                        say(output.json_line(document).rstrip("\n"))
            else:
                for k, ended in enumerate(scores.ended):
                    if scores.scored.abnormal[k] or args.report_all:
                        first, *rest = lines_of(args, scores.scored, k, self._model)
                        say(first if ended == "pause" else f"{first} ({ended})")
                        for line in rest:
                            say(line)
        self._warn(stream)

    def end(self, stream: FlowStream, say: Callable[[str], None]) -> None:
        """Say how much it was, and what was not as it should be."""
        counts = stream.counts()
        if self._args.json:
            told = {"flows": stream.flows, "abnormal": stream.abnormal, **counts._asdict()}
            say(output.json_line({"kind": "summary", **told}).rstrip("\n"))
        else:
            say(
                f"{stream.abnormal} of {stream.flows} flows score above"
                f" {self._model.manifest.threshold:.6g}, which the model was set to for"
                f" {self._model.manifest.alarms:.0%} of usual ones"
            )
        for name, text in _EARLY.items():
            if number := getattr(counts, name):
                output.warn(self._args, f"{number:,} {text}")

    def _warn(self, stream: FlowStream) -> None:
        """Once for each thing that makes the result differ from that of a whole capture."""
        counts = stream.counts()
        for name, text in _EARLY.items():
            if getattr(counts, name) and name not in self._warned:
                self._warned.add(name)
                output.warn(self._args, f"from now on: {text}")


_EARLY = {
    "evicted": "flows were ended early: there is no room for so many",
    "full": "pieces were cut off flows that are too long",
    "late": "packets came too late and were left out",
    "backsteps": "times at which time went back, and all flows were ended",
}
