"""``halia demo --captures``: roles of the real captures that come with Halia."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from plugin.cli import options, output
from plugin.cli.main import EXIT_OK
from plugin.cli.ranking import told

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from plugin.offline.demo import Shown

PICTURE = Path("demo-out") / "roles.png"
_NOTE = (
    "These captures were kept out of the models' training. Five come from devices, and the\n"
    "printer and the workstation from networks, of which other captures were learned: this\n"
    "shows what the output looks like, not how accurate it is. For that see 'halia evaluate'\n"
    "and models/MODEL_CARD.md.\n"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--picture", metavar="FILE.png", type=options.path,
        help="where --captures draws its picture"
        f" (default: {PICTURE}, replaced each time; needs halia[plot])",
    )  # fmt: skip
    options.common(parser)


def run(args: argparse.Namespace) -> int:
    """Show device by device, then draw."""
    from plugin.offline.demo import show
    from plugin.settings import load_settings

    if args.picture is not None:
        output.check_suffix(args.picture, ".png")
    output.check_outputs(args, args.out, args.picture)
    settings = load_settings(config=args.config)
    found = []
    with output.text_output(args) as stream:
        for one in show(settings.data):
            found.append(one)
            stream.write(_document(one) if args.json else _block(one))
            stream.flush()
        if not args.json:
            _sum_up(stream, found)
    place = _draw(args, found)
    if place is not None and not args.json and args.out is None:
        print(f"Picture: {place}")
    return EXIT_OK


def _block(one: Shown) -> str:
    lines = [
        f"{one.capture}",
        f"  {one.verdict.mac}  {output.counted(one.verdict.packets, 'packet')},"
        f" {output.counted(one.verdict.sessions, 'session')};"
        f" in truth: {one.truth}" + (" (learned in training)" if one.seen else ""),
        *told(one.verdict, truth=one.truth),
    ]
    return "\n".join(lines) + "\n\n"


def _document(one: Shown) -> str:
    role = one.verdict.role
    document = {
        "capture": one.capture,
        "mac": one.verdict.mac,
        "truth": one.truth,
        "decision": role.decision,
        "labels": list(role.labels),
        "confidences": [round(c, 6) for c in role.confidences],
        "model": role.model,
        "among_three": one.found,
        "seen_in_training": one.seen,
    }
    return output.json_line(document)


def _sum_up(stream: TextIO, found: Sequence[Shown]) -> None:
    known = [one for one in found if one.known]
    rest = [one for one in found if not one.known]
    right = sum(one.right for one in known)
    stream.write(f"{len(known)} of {len(found)} devices are known, {right} of these rightly.\n")
    if rest:
        right = sum(one.right for one in rest)
        stream.write(
            f"{len(rest)} are not; the surest guess would be right for {right} of these.\n"
        )
    stream.write(_NOTE)


def _mark(one: Shown) -> tuple[str, bool | None]:
    """Words beside a row of the picture, and whether they are good news (None: neither)."""
    if one.known:
        return f"known, {'right' if one.right else 'WRONG'}", one.right
    return f"{one.verdict.role.decision}, guess {'right' if one.right else 'wrong'}", None


def _draw(args: argparse.Namespace, found: Sequence[Shown]) -> Path | None:
    """Draw the picture if that is possible here; only a picture asked for can fail."""
    from plugin.errors import HaliaError
    from plugin.ml.report import Ranked, ranking_png

    place: Path = args.picture or PICTURE
    rows = [
        Ranked(
            f"{one.truth} ({one.verdict.mac})", dict(one.surest.likely()), one.truth, *_mark(one)
        )
        for one in found
    ]
    try:
        picture = ranking_png(rows, "Halia's demo: what each device is taken for")
        if args.picture is None:
            place.parent.mkdir(exist_ok=True)
        with output.binary_output(place, force=args.force or args.picture is None) as stream:
            stream.write(picture)
    except (HaliaError, OSError) as error:
        if args.picture is not None:
            raise
        output.warn(args, f"no picture: {error}")
        return None
    return place
