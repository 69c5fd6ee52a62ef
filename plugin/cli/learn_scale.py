"""``halia learn`` with many captures, many processes, many algorithms to choose from."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.cli import options, output
from plugin.errors import OptionError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from plugin.flows.variant import Variant
    from plugin.ml.flow_search import Point
    from plugin.offline.flow_batch import Place
    from plugin.offline.flow_files import Extracted
    from plugin.offline.flow_learning import Input, Wanted
    from plugin.offline.flow_searching import Plan, Searched
    from plugin.offline.spread import Spread

SPLITS = 20
GRID = "--grid"
_EXAMPLE = "give {features: [IAT, STATS+header], algorithms: {ocsvm: {nu: [0.1, 0.5]}, pca: {}}}"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    group = parser.add_argument_group("many captures, many processes")
    group.add_argument(
        "--jobs", type=int, metavar="N",
        help="processes (default: 1; 0: one for each CPU); each capture then stands alone",
    )  # fmt: skip
    group.add_argument(
        "--resume", type=options.path, metavar="FOLDER",
        help="keep there what is done of each capture and trial: the same command, broken off or"
        " not, goes on from it",
    )  # fmt: skip
    group.add_argument(
        "--dask", metavar="ADDRESS",
        help="compute on a Dask cluster, tcp://HOST:PORT or tls://HOST:PORT, whose workers read the"
        " captures under the same names. Whoever reaches a cluster can run programs on it and on"
        " this machine: use tls://, or tcp:// where nobody else is (extra halia[dask])",
    )  # fmt: skip
    for name, what in (
        ("ca", "who has signed the cluster's certificates"),
        ("cert", "our certificate"),
        ("key", "its key, if that is in a file of its own"),
    ):
        group.add_argument(
            f"--dask-{name}", type=options.path, metavar="FILE", help=f"of tls://, PEM: {what}"
        )
    group.add_argument(
        GRID, metavar="YAML",
        help="try features, algorithms and options on labelled flows and learn with the best: YAML"
        " or JSON or a file of it, {features: [IAT, STATS+header], algorithms: {ocsvm: {nu: [0.1,"
        " 0.5]}, pca: {}}}",
    )  # fmt: skip
    group.add_argument(
        "--splits", type=int, default=SPLITS, metavar="N",
        help=f"draws of the test's flows for each point of the grid (default: {SPLITS})",
    )  # fmt: skip


def many(args: argparse.Namespace) -> bool:
    """Whether captures are read one by one, in processes or on a cluster, and kept in parts."""
    return any(getattr(args, name) is not None for name in ("jobs", "dask", "resume"))


def extracted(args: argparse.Namespace, inputs: Sequence[Input], wanted: Wanted) -> Extracted:
    """Read captures as :func:`many` says; those that cannot be read are told and left out.

    Raises:
        HaliaError: as ``plugin.offline.flow_batch.extract_many`` does.
    """
    from plugin.offline.flow_batch import extract_many

    with place(args) as there:
        batch = extract_many(
            inputs,
            wanted,
            there,
            mapping=args.label_mapping,
            warn=lambda said: output.warn(args, said),
        )
        return batch.extracted()


def chosen(
    args: argparse.Namespace, inputs: Sequence[Input], wanted: Wanted
) -> tuple[Variant, Point]:
    """Search the grid, show how all its points did, and give the best.

    Raises:
        HaliaError: as ``plugin.offline.flow_searching.search`` does.
    """
    from plugin.offline.flow_searching import search

    plan = _plan(args, wanted)
    with place(args) as there:
        found = search(
            inputs,
            wanted,
            plan,
            there,
            mapping=args.label_mapping,
            warn=lambda said: output.warn(args, said),
        )
    _tell(args, found)
    return found.best


@contextmanager
def place(args: argparse.Namespace) -> Iterator[Place]:
    """Where the work is done: a folder that is kept or not, processes or a cluster.

    Raises:
        OptionError: options that do not fit.
        PeerError: no scheduler answers.
    """
    from tempfile import TemporaryDirectory

    from plugin.cli.train import tracker
    from plugin.offline.flow_batch import Place

    with _spread(args) as spread, TemporaryDirectory(prefix="halia-") as temporary:
        folder = args.resume if args.resume is not None else Path(temporary)
        yield Place(folder, spread, tracker(quiet=args.quiet))


def _spread(args: argparse.Namespace) -> Spread:
    if args.dask is None:
        return _here(args)
    if args.jobs is not None:
        advice = "leave out --jobs: the cluster has as many workers as were started"
        raise OptionError("does not go with --dask", where="--jobs", advice=advice)
    from plugin.offline.dask_spread import Cluster, OnDask

    cluster = Cluster(args.dask, args.dask_ca, args.dask_cert, args.dask_key)
    cluster.check()
    if cluster.open_to_others:
        output.warn(
            args,
            f"{args.dask}: not encrypted, and nobody is asked who he is: whoever can reach it can"
            " run programs there and here; use tls://",
        )
    return OnDask(cluster)


def _here(args: argparse.Namespace) -> Spread:
    import os

    from plugin.offline.spread import Here

    if args.jobs is not None and args.jobs < 0:
        raise OptionError("is less than 0", where="--jobs")
    cpus = len(os.sched_getaffinity(0))
    return Here(1 if args.jobs is None else min(args.jobs or cpus, cpus))


def _plan(args: argparse.Namespace, wanted: Wanted) -> Plan:
    """What ``--grid`` says.

    Raises:
        OptionError: it is no grid.
    """
    from plugin.cli.learn_given import check_named
    from plugin.flows.variant import Variant
    from plugin.ml.flow_search import grid, trials
    from plugin.ml.novelty.fitted import check_values
    from plugin.offline.flow_searching import Plan

    given = _read(args.grid)
    unknown = sorted(set(map(str, given)) - {"features", "algorithms"})
    if unknown:
        said = f"{unknown[0]!r} is neither features nor algorithms"
        raise OptionError(said, where=GRID, advice=_EXAMPLE)
    named = bool(given.get("algorithms"))
    features = given.get("features") or [Variant(wanted.feature, wanted.fft, wanted.header).name]
    algorithms = given.get("algorithms") or [args.algorithm]
    if isinstance(algorithms, list):
        algorithms = dict.fromkeys(algorithms)
    if not isinstance(features, list) or not _maps(algorithms):
        raise OptionError("is no grid", where=GRID, advice=_EXAMPLE)
    variants = [Variant.read(str(name)) for name in features]
    check_named(args, variants if given.get("features") else None, algorithms=named)
    points = grid({str(name): of for name, of in algorithms.items()})
    trials(points, args.splits, args.seed)  # their number is told before captures are read
    for point in points:
        check_values(point.algorithm, point.options)
    return Plan(
        variants=variants,
        points=points,
        splits=args.splits,
        seed=args.seed,
        test_size=args.test_size,
    )


def _maps(algorithms: object) -> bool:
    """Whether it is names of algorithms, each with options or nothing."""
    if not isinstance(algorithms, dict):
        return False
    return all(options is None or isinstance(options, dict) for options in algorithms.values())


def _read(text: str) -> dict[str, Any]:
    """YAML, in the command line or in a file.

    Raises:
        OptionError: it is none, or no mapping.
    """
    import yaml

    from plugin.cli.learn_param import written

    try:
        found = yaml.safe_load(written(text, GRID))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        said = " ".join(str(error).split())
        raise OptionError(f"is no YAML: {said}", where=GRID, advice=_EXAMPLE) from error
    if not isinstance(found, dict):
        raise OptionError("is no file and no grid", where=GRID, advice=_EXAMPLE)
    return found


def _tell(args: argparse.Namespace, found: Searched) -> None:
    """How all points did, the best first."""
    if args.json:
        print(output.json_line({"search": found.document()}), end="")
        return
    header = ("feature", "algorithm", "AUC", "±", "")
    print(output.table(found.rows(), header), end="")
    print(
        f"means over {found.plan.splits} draws of the test's flows, ± their standard deviation;"
        " the best of many is better here than it will be elsewhere"
    )
