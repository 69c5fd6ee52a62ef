"""``halia evaluate``: how well a model does on labelled captures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.cli import options, output
from plugin.cli.main import EXIT_OK
from plugin.cli.train import add_listing, jobs_of, read_material, settings_of, tracker

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from plugin.ml.evaluate import Evaluation
    from plugin.ml.model import Model

_SPLIT_MIN = 2
HELP = "Tell how well a model does on labelled captures, or its recipe on groups left out."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("model", metavar="MODEL", help="a shipped model by name, or a directory")
    add_listing(parser)
    group = parser.add_argument_group("test")
    group.add_argument(
        "--leave-out", metavar="COLUMN",
        help="leave out one group of this column at a time (such as device or network; group: as"
        " they were grouped when read), fit the model's"
        " recipe again without it, and test on it",
    )  # fmt: skip
    group.add_argument(
        "--folds", metavar="N", type=int,
        help="with --leave-out: leave out one of N parts of the groups at a time, instead of each"
        " group alone (quicker where there are many)",
    )  # fmt: skip
    group.add_argument(
        "--report", metavar="FILE.html", type=options.path,
        help="also write a page with the confusion picture",
    )  # fmt: skip
    group.add_argument(
        "--picture", metavar="FILE.png", type=options.path,
        help="also write the confusion picture (needs halia[plot])",
    )  # fmt: skip
    options.common(parser)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print the table; warn where the figures are no test."""
    from plugin.ml.crossval import Work
    from plugin.ml.evaluate import lines
    from plugin.offline.fitting import ask_model, leave_out, open_model

    _check_folds(args)
    for path, suffixes in ((args.report, (".html", ".htm")), (args.picture, (".png",))):
        if path is not None:
            output.check_suffix(path, *suffixes)
    for path in (args.out, args.report, args.picture):
        output.check_folder(path)
    inputs = output.check_outputs(args, args.out, args.report, args.picture)
    settings = settings_of(args)
    model = open_model(args.model, settings.data)
    gathered, _ = read_material(args, model.manifest.schema_name, settings)
    if args.leave_out:
        work = Work(jobs=jobs_of(settings), track=tracker(quiet=args.quiet))
        found = leave_out(gathered.material, model, args.leave_out, work, folds=args.folds)
    else:
        found = ask_model(gathered.material, model, seed=settings.train.seed)
    for note in found.notes:
        output.warn(args, note)
    with output.text_output(args) as stream:
        if args.json:
            stream.write(output.json_line(found.document()))
        else:
            stream.write(lines(found))
    _draw(found, args, inputs, _facts(args, model, gathered.material.digests))
    return EXIT_OK


def _facts(args: argparse.Namespace, model: Model, digests: Sequence[str]) -> dict[str, str]:
    """Where the figures come from, for the page: it may be read long after."""
    import shlex
    import sys

    import plugin
    from plugin.cli.asking import now
    from plugin.ml.dataset import training_digest
    from plugin.records import iso_time

    manifest = model.manifest
    return {
        "model": f"{args.model} ({manifest.name}, version {manifest.version})",
        "its training captures, SHA-256": manifest.training_digest,
        "captures of this test, SHA-256": training_digest(digests),
        "command": shlex.join(["halia", *sys.argv[1:]]),
        "made": f"{iso_time(int(now()) * 10**9)} by Halia {plugin.__version__}",
    }


def _check_folds(args: argparse.Namespace) -> None:
    """Refuse a number of folds that splits nothing, and a seed that nothing takes.

    Raises:
        OptionError: fewer than two, or nothing is left out; a seed where recipes have theirs.
    """
    from plugin.errors import OptionError

    if args.folds is not None and not args.leave_out:
        raise OptionError("folds of what?", where="--folds", advice="add --leave-out COLUMN")
    if args.folds is not None and args.folds < _SPLIT_MIN:
        raise OptionError("is less than 2", where="--folds")
    if args.seed is not None and args.leave_out:
        raise OptionError("does not go with --leave-out: recipes have their own", where="--seed")


def _draw(
    found: Evaluation, args: argparse.Namespace, inputs: Sequence[Path], facts: Mapping[str, str]
) -> None:
    """Write the page and the picture; the page does without matplotlib."""
    from plugin.errors import OptionError
    from plugin.ml.report import confusion_png, page

    if args.picture is not None:
        with output.binary_output(args.picture, force=args.force, inputs=inputs) as stream:
            stream.write(confusion_png(found))
    if args.report is not None:
        try:
            pictures = [confusion_png(found)]
        except OptionError:
            pictures = []
        with output.binary_output(args.report, force=args.force, inputs=inputs) as stream:
            stream.write(page([found], pictures, facts).encode())
