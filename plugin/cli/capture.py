"""``halia capture``: an interface's frames to one rotating header-only pcap for each device."""

from __future__ import annotations

import json
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from plugin.capture import privileges
from plugin.capture.live import Batch, Counters, LiveCapture, Settings, open_feed
from plugin.capture.packet_socket import Opening, check_interface
from plugin.capture.rotate import Limits
from plugin.capture.trace_files import LOCK, Finished, TraceFiles
from plugin.cli import options, output
from plugin.cli.lines import LineWriter
from plugin.cli.main import EXIT_OK
from plugin.cli.stream_file import StreamFile
from plugin.errors import HaliaError, OptionError, OutputError

if TYPE_CHECKING:
    import argparse
    from pathlib import Path
    from types import FrameType

HELP = "Capture an interface: the headers of each device's frames, in files of its own."
WAIT_SECONDS = 0.2
NAMES_BYTES = 1600
"""Kept of a frame that tells names: all of it on an ordinary link."""
_STANDARD = Limits()
_SNAPLEN_MIN, _SNAPLEN_MAX = 64, 65_535
_SMALLEST_QUOTA = 1 << 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--iface", required=True, metavar="NIC", help="the interface to capture")
    parser.add_argument(
        "--out",
        required=True,
        metavar="DIR",
        type=options.path,
        help="the folder for the files, which is made if needed; no two captures can share one",
    )
    parser.add_argument(
        "--force", action="store_true", help="use a folder that holds other files too"
    )
    parser.add_argument(
        "--stream",
        metavar="FILE.pcap",
        type=options.path,
        help="write the headers of all frames there too, each once, as they came; it grows until"
        " the end, and no quota holds for it",
    )
    _file_options(parser.add_argument_group("files"))
    _frame_options(parser.add_argument_group("frames"))
    parser.add_argument(
        "--user",
        metavar="USER[:GROUP]",
        help="become this user once the interface is open (as root); the files are this user's",
    )
    parser.add_argument(
        "--stop-after", metavar="TIME", type=options.duration, help="end after 90s, 15m, 2h, 1d"
    )
    options.common(parser, out=False)
    parser.epilog = f"{options.SPAN}.\nSIZE is a number of bytes, or of K, M, G or T, 1,024 each."


def _file_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--rotate-size",
        metavar="SIZE",
        type=options.size,
        default=_STANDARD.rotate_size,
        help="finish a file this large: 64K, 100M (the standard), 1G; 0 = never for its size",
    )
    group.add_argument(
        "--rotate-time",
        metavar="TIME",
        type=options.duration,
        default=_STANDARD.rotate_time,
        help="finish a file this old (15m); 0 = never for its age",
    )
    group.add_argument(
        "--quota",
        metavar="SIZE",
        type=options.size,
        default=_STANDARD.quota,
        help="bytes of all files (10G): the files finished first go; 0 = no quota",
    )
    group.add_argument(
        "--device-quota",
        metavar="SIZE",
        type=options.size,
        default=_STANDARD.device_quota,
        help="bytes of the finished files of one device (none)",
    )
    group.add_argument(
        "--max-age",
        metavar="TIME",
        type=options.duration,
        default=_STANDARD.max_age,
        help="finished files older than this go (none does)",
    )
    group.add_argument(
        "--min-free",
        metavar="SIZE",
        type=options.size,
        default=_STANDARD.min_free,
        help="leave so much of the disk free (256M): files finished first go, then nothing more is"
        " written until there is room",
    )


def _frame_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--names",
        action="store_true",
        help="keep the payloads of DHCP and mDNS, which tell names; else no payload is kept",
    )
    group.add_argument(
        "--max-devices",
        metavar="N",
        type=_count,
        default=10_000,
        help="devices at once (10000); frames of more are counted, not kept",
    )
    group.add_argument(
        "--snaplen",
        metavar="N",
        type=_snaplen,
        default=Opening("").snaplen,
        help="bytes of a frame in which its headers are looked for (192)",
    )
    group.add_argument(
        "--drop-repeats",
        metavar="MS",
        type=_milliseconds,
        default=0,
        help="leave out a frame that equals another of so many milliseconds before, once (2 where"
        " a switch mirrors both ports of a frame and so sends it twice; 0, the standard: none)",
    )
    group.add_argument(
        "--outgoing", action="store_true", help="take the frames that this machine sends too"
    )
    group.add_argument(
        "--no-promiscuous",
        action="store_true",
        help="leave the interface's mode: only frames addressed to it come",
    )
    group.add_argument(
        "--ring",
        metavar="SIZE",
        type=options.size,
        default=Opening("").blocks * Opening("").block_size,
        help="memory in which frames wait for us (64M): some seconds' worth",
    )
    group.add_argument(
        "--plain-socket",
        action="store_true",
        help="read without a ring, a call for each frame: what is done where the kernel has none",
    )


def run(args: argparse.Namespace) -> int:
    """Capture until a signal or the time asked for; finish the files."""
    settings, limits = _settings(args), _limits(args)
    account = privileges.find_account(args.user) if args.user else None
    check_interface(args.iface)
    if account is None:  # else it is looked at as that user
        _check_folder(args.out, force=args.force)
    feed = open_feed(settings)
    if account is not None:
        privileges.make_folder(account, args.out)
        privileges.drop(account)
        _check_folder(args.out, force=args.force)
    with StreamFile(args.stream) as stream:
        files = TraceFiles(args.out, limits)
        capture = LiveCapture(settings, files, feed)
        return _Session(args, capture, files, stream).run()


class _Session:
    """One run of the command: what it prints, and when it ends."""

    def __init__(
        self,
        args: argparse.Namespace,
        capture: LiveCapture,
        files: TraceFiles,
        stream: StreamFile,
    ) -> None:
        self._args, self._capture, self._files, self._stream = args, capture, files, stream
        self._lines = LineWriter(sys.stdout)
        self._stopping = False
        self._live = sys.stderr.isatty() and not args.quiet
        self._shown = 0.0
        self._before: Counters | None = None

    def run(self) -> int:
        """Capture; then the summary."""
        begun = time.monotonic()
        until = begun + self._args.stop_after if self._args.stop_after else None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._tell_files(self._files.start(_now()))
        if self._args.verbose or self._args.json:
            self._line("started", iface=self._args.iface, reader=self._capture.kind)
        problem: HaliaError | None = None
        try:
            while not self._is_over(until):
                self._tell(self._capture.poll(_now(), WAIT_SECONDS))
                self._show()
        except HaliaError as error:
            problem = error  # the files are finished all the same
        self._tell(self._capture.stop(_now(), time.sleep))
        self._summary(time.monotonic() - begun)
        try:
            self._lines.close()
        finally:
            if self._lines.left_out:
                output.warn(self._args, f"{self._lines.left_out:,} lines were left out")
        if problem is not None:
            raise problem
        return EXIT_OK

    def _is_over(self, until: float | None) -> bool:
        """A signal came, the time is up, or nobody reads what we print any more."""
        return (
            self._stopping or self._lines.gone or (until is not None and time.monotonic() >= until)
        )

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._stopping = True

    def _tell(self, batch: Batch) -> None:
        self._stream.write(batch.stream)
        self._tell_files(batch.finished)
        for device in batch.devices if self._args.json or self._args.verbose else ():
            self._line("device", mac=device.mac, first_ns=device.first_ns)
        for alarm in batch.alarms:
            if alarm.kind != "removed" or self._args.verbose:
                output.warn(self._args, alarm.text)
            if self._args.json:
                self._line("alarm", alarm=alarm.kind, text=alarm.text)

    def _tell_files(self, finished: list[Finished]) -> None:
        for file in finished:
            if self._args.json:
                fields = {name: getattr(file, name) for name in Finished.__slots__}
                self._line("file", **{**fields, "path": str(file.path)})
            else:
                self._print(f"{file.path}  {file.packets} packets  {file.why}")

    def _line(self, kind: str, **fields: Any) -> None:
        if self._args.json:
            self._print(json.dumps({"kind": kind, **fields}))
        else:
            self._print(" ".join([kind, *map(str, fields.values())]))

    def _print(self, text: str) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        self._lines.say(text)

    def _show(self) -> None:
        """The line of counters, once a second, where somebody looks at a terminal."""
        now = time.monotonic()
        if not self._live or now - self._shown < 1:
            return
        c = self._capture.counters()
        rate = (c.frames - (self._before or c).frames) / (now - self._shown)
        self._before, self._shown = c, now
        n_open, n_kept, size = self._files.sizes()
        sys.stderr.write(
            f"\r\x1b[K{c.frames:,} frames  {rate:,.0f}/s  {c.devices:,} devices  "
            f"{n_open:,}+{n_kept:,} files  {size / 1e6:,.1f} MB  {c.kernel_drops:,} dropped"
        )
        sys.stderr.flush()

    def _summary(self, seconds: float) -> None:
        c = self._capture.counters()
        if self._args.json:
            self._line("summary", seconds=round(seconds, 3), **c._asdict())
        elif not self._args.quiet:
            self._print(
                f"{c.frames} frames of {c.devices} devices in {seconds:.1f} s, {c.finished_files}"
                f" files; dropped by the kernel: {c.kernel_drops}, by a full disk: "
                f"{c.lost_packets}, unread: {c.unread}, headers cut: {c.cut}"
            )
        missed = c.kernel_drops + c.lost_packets + c.unread
        if missed:
            output.warn(self._args, f"{missed:,} frames were missed")


def _settings(args: argparse.Namespace) -> Settings:
    standard = Opening(args.iface)
    blocks = args.ring // standard.block_size
    if blocks < 1:
        raise OptionError("is too small", where="--ring", advice="give at least 256K")
    opening = standard._replace(
        snaplen=args.snaplen,
        names=max(NAMES_BYTES, args.snaplen) if args.names else 0,
        promiscuous=not args.no_promiscuous,
        outgoing=args.outgoing,
        blocks=blocks,
    )
    return Settings(
        opening=opening,
        feed="plain" if args.plain_socket else "auto",
        max_devices=args.max_devices,
        names=args.names,
        repeat_ns=args.drop_repeats * 1_000_000,
        stream=args.stream is not None,
    )


def _limits(args: argparse.Namespace) -> Limits:
    for name in ("quota", "device_quota"):
        if 0 < getattr(args, name) < _SMALLEST_QUOTA:
            option = "--" + name.replace("_", "-")
            raise OptionError("is too small", where=option, advice="give at least 1M, or 0")
    return _STANDARD._replace(
        rotate_size=args.rotate_size,
        rotate_time=args.rotate_time,
        quota=args.quota,
        device_quota=args.device_quota,
        max_age=args.max_age,
        min_free=args.min_free,
    )


def _check_folder(folder: Path, *, force: bool) -> None:
    """Refuse a folder with other files in it: old captures are removed there."""
    if force or not folder.is_dir():
        return
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError as error:
        raise OutputError(f"cannot be read: {error.strerror}", where=str(folder)) from error
    other = [name for name in names if name != LOCK and not name.startswith("trace_")]
    if other:
        raise OutputError(
            f"holds other files, such as {other[0]}",
            where=str(folder),
            advice="choose another --out, or add --force",
        )


def _now() -> float:
    return time.time_ns() / 1e9


def _count(text: str) -> int:
    return _whole(text, 1, 1 << 20)


def _milliseconds(text: str) -> int:
    return _whole(text, 0, 1000)


def _snaplen(text: str) -> int:
    return _whole(text, _SNAPLEN_MIN, _SNAPLEN_MAX)


def _whole(text: str, low: int, high: int) -> int:
    import argparse

    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {low} to {high}")
    return int(text)
