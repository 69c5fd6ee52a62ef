"""``halia train``: make a model from labelled captures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from plugin.cli import options, output
from plugin.cli.main import EXIT_OK
from plugin.cli.progress import progress, progress_lines
from plugin.errors import OptionError, printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from plugin.ml.crossval import Track
    from plugin.offline.training import Gathered, Listing
    from plugin.settings import Settings

_T = TypeVar("_T")
HELP = "Make a model from labelled captures, and test its recipe by nested cross-validation."
ALGORITHMS = ("net", "forest", "trees", "boosting", "ensemble", "auto")
FEATURES = (
    "networkml-4104",
    "networkml-4104-window",
    "service-ports",
    "halia-host",
    "halia-host-sent",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_listing(parser)
    group = parser.add_argument_group("model")
    group.add_argument(
        "--algorithm", choices=ALGORITHMS,
        help="a net with one hidden layer (default), a random forest, extremely randomized trees,"
        " boosted trees, the mean of a net and trees, or whichever of them the test finds best",
    )  # fmt: skip
    group.add_argument(
        "--features", choices=FEATURES, metavar="SET",
        help=f"feature set: {', '.join(FEATURES)} (default: networkml-4104)",
    )  # fmt: skip
    group.add_argument(
        "--adapt", metavar="MODEL",
        help="teach this model of trees (a name or a folder) these captures, new classes too,"
        " instead of making one; algorithm and features are its own",
    )  # fmt: skip
    group.add_argument("--name", help="the model's name (default: that of its folder)")
    group.add_argument(
        "--window", metavar="TIME", type=options.window,
        help="length of the captures that it is for; verdicts on shorter ones say so (15m)",
    )  # fmt: skip
    group.add_argument(
        "--hold-out", action="append", default=[], type=options.path, metavar="LIST",
        help="never train or test on the captures of this CSV (its column sha256); they still"
        " count for whether a class is large enough",
    )  # fmt: skip
    options.common(parser)


def add_listing(parser: argparse.ArgumentParser) -> None:
    """Add the options that name labelled captures and how to compute (train, evaluate)."""
    parser.add_argument(
        "data", metavar="DATA", type=options.path,
        help="a CSV with the columns path and label, or a folder: with a labels.csv, or with"
        " captures named ROLE-DEVICE-….pcap or lying in folders ROLE/DEVICE/ or ROLE/",
    )  # fmt: skip
    group = parser.add_argument_group("labelled captures")
    group.add_argument("--root", type=options.path, help="where the CSV's paths start (default:"
                       " the CSV's folder)")  # fmt: skip
    group.add_argument("--label-column", default="label", metavar="COLUMN", help="the CSV's class"
                       " (default: label)")  # fmt: skip
    group.add_argument(
        "--group-column", metavar="COLUMN",
        help="captures of one group are never split between training and test (default: the"
        " column group, capture or device, if there, else each file alone)",
    )  # fmt: skip
    group.add_argument(
        "--where", action="append", default=[], type=_condition, metavar="COLUMN=PATTERN",
        help="take only rows whose column fits the pattern (* and ?); may be repeated",
    )  # fmt: skip
    work = parser.add_argument_group("computing")
    work.add_argument("--jobs", type=int, help="processes (default: one for each CPU)")
    work.add_argument("--seed", type=int, help="seed of everything random")


def run(args: argparse.Namespace) -> int:
    """Train, save, print the table of the test."""
    if args.out is None:
        raise OptionError("no place for the model", advice="give --out DIRECTORY")
    from plugin.ml.algorithms import GRIDS
    from plugin.ml.crossval import Work
    from plugin.ml.evaluate import lines
    from plugin.ml.train import Recipe
    from plugin.offline.fitting import (
        WINDOW_SECONDS,
        Naming,
        check_place,
        make_model,
        save_model,
    )
    from plugin.offline.training import held_out_digests

    _check_adapt(args)
    check_place(args.out, force=args.force)  # before the work, not after it
    settings = settings_of(args)
    if args.adapt is not None:
        return _adapt(args, settings)
    algorithm, features = args.algorithm or ALGORITHMS[0], args.features or FEATURES[0]
    gathered, networkml = read_material(args, features, settings)
    recipe = Recipe(
        algorithm=algorithm,
        features=features,
        grid=GRIDS[algorithm],
        seed=settings.train.seed,
    )
    made = make_model(
        gathered.material,
        recipe,
        Naming(
            name=args.name or Path(args.out).name,
            networkml=networkml,
            window_seconds=args.window or WINDOW_SECONDS,
        ),
        Work(jobs=jobs_of(settings), track=tracker(quiet=args.quiet)),
        held_out=held_out_digests(args.hold_out),
    )
    saved = save_model(made.model, args.out, force=args.force)
    if args.json:
        document = {"model": printable(str(args.out)), "test": made.evaluation.document()}
        print(output.json_line(document), end="")
        return EXIT_OK
    manifest = saved.manifest
    print(lines(made.evaluation), end="")
    print(
        f"wrote {args.out}: {manifest.algorithm} on {manifest.schema_name},"
        f" {len(manifest.classes)} classes, {manifest.metrics['captures']} captures"
        f" and {manifest.metrics['background']} of background,"
        f" temperature {manifest.temperature:.2f}, known from {manifest.threshold:.2f} on,"
        f" spread by {manifest.rejection:.2f} at most,"
        f" with {output.counted(manifest.min_packets, 'packet')}"
        f" and {output.counted(manifest.min_sessions, 'session')}"
    )
    return EXIT_OK


def _check_adapt(args: argparse.Namespace) -> None:
    """Refuse what an adapted model takes from the one that it was.

    Raises:
        OptionError: an option does not apply with ``--adapt``.
    """
    if args.adapt is None:
        return
    for name in ("algorithm", "features", "window", "hold_out", "seed"):
        if getattr(args, name) not in (None, []):
            raise OptionError(
                "does not apply with --adapt",
                where="--" + name.replace("_", "-"),
                advice="leave it out",
            )


def _adapt(args: argparse.Namespace, settings: Settings) -> int:
    """Teach a model the captures, save the result, say what that did."""
    from plugin.offline.adapting import adapt_model, lines
    from plugin.offline.fitting import Naming, open_model, save_model

    model = open_model(args.adapt, settings.data)
    gathered, networkml = read_material(args, model.manifest.schema_name, settings)
    naming = Naming(
        name=args.name or Path(args.out).name,
        networkml=networkml,
        window_seconds=model.manifest.window_seconds,
    )
    found = adapt_model(gathered.material, model, naming)
    save_model(found.model, args.out, force=args.force)
    for note in found.notes:
        output.warn(args, note)
    if args.json:
        print(output.json_line({"model": printable(str(args.out)), **found.document()}), end="")
        return EXIT_OK
    print(lines(found), end="")
    print(f"wrote {args.out}: {args.adapt}, adapted")
    return EXIT_OK


def settings_of(args: argparse.Namespace) -> Settings:
    """Settings with this command's options laid over them."""
    from plugin.settings import SEED_MAX, load_settings

    if args.seed is not None and args.seed > SEED_MAX:
        raise OptionError(f"is more than {SEED_MAX}", where="--seed")
    for name in ("jobs", "seed"):
        if getattr(args, name) is not None and getattr(args, name) < 0:
            raise OptionError("is less than 0", where=f"--{name}")
    return load_settings(
        config=args.config, flags={"train.jobs": args.jobs, "train.seed": args.seed}
    )


def jobs_of(settings: Settings) -> int:
    """Processes to use: never more than there are CPUs for us."""
    import os

    cpus = len(os.sched_getaffinity(0))
    return min(settings.train.jobs or cpus, cpus)


def tracker(*, quiet: bool) -> Track:
    """A progress bar, or lines off a terminal, in the form that the offline functions take."""

    def track(items: Iterable[_T], total: int, label: str, parts: int = 1, /) -> Iterator[_T]:
        if sys.stderr.isatty():
            return progress(items, total=total, label=label, quiet=quiet)
        return progress_lines(items, total=total, label=label, quiet=quiet, parts=parts)

    return track


def read_material(
    args: argparse.Namespace, features: str, settings: Settings
) -> tuple[Gathered, dict[str, str]]:
    """Read the labelled captures; name those that cannot serve on stderr.

    Returns:
        What was read, labels in the vocabulary's spelling; and NetworkML's label of each.
    """
    from plugin.ml.vocabulary import FILE, load_vocabulary
    from plugin.offline.training import gather, read_listing, spell
    from plugin.settings import data_folder

    vocabulary = load_vocabulary(data_folder("configs", settings.data) / FILE)
    listing: Listing = read_listing(
        args.data,
        root=args.root,
        label_column=args.label_column,
        group_column=args.group_column,
        where=args.where,
    )
    listing = spell(listing, vocabulary)
    gathered = gather(listing, features, jobs=jobs_of(settings), track=tracker(quiet=args.quiet))
    for path, reason in gathered.skipped:
        output.warn(args, f"{path}: left out: {reason}")
    return gathered, vocabulary.networkml(sorted({s.label for s in listing.samples}))


def _condition(text: str) -> tuple[str, str]:
    import argparse as parsing

    column, equals, pattern = text.partition("=")
    if not column or not equals:
        raise parsing.ArgumentTypeError(f"{text!r} is not COLUMN=PATTERN")
    return column, pattern
