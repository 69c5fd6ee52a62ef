"""``halia learn``: from captures to a model of usual flows, in one step or two."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from plugin.cli import learn_options, learn_scale, options, output
from plugin.cli.learn_given import EXTRACT, TRAIN, check
from plugin.cli.main import EXIT_OK
from plugin.errors import printable

if TYPE_CHECKING:
    import argparse

    from plugin.offline.flow_files import Extracted
    from plugin.offline.flow_learning import Input, Wanted
    from plugin.offline.flow_training import Learned

HELP = "Learn what flows are usual in captures, for 'halia classify' to find those that are not."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options; those that netml has are spelled as there."""
    parser.add_argument(
        "action", nargs="?", choices=(EXTRACT, TRAIN),
        help="extract: captures to a file of features only; train: such a file to a model only"
        " (default: both)",
    )  # fmt: skip
    learn_options.add_captures(parser)
    learn_options.add_flows(parser)
    learn_options.add_model(parser)
    learn_scale.configure(parser)
    options.common(parser, out=False)
    parser.epilog = (
        "FILE.dat may have any name; a model is a folder. Training takes every flow, labels or not:"
        "\nwith labels a part of the flows is left for a test. Features, intervals and widths are"
        "\nkept in the model: any other capture can be classified (docs/flows.md).\n"
        + options.SPAN + ".\n"
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Extract, train, or both."""
    if args.help_algorithm or args.help_param:
        from plugin.cli.learn_help import text

        sys.stdout.write(text(meanings=args.help_algorithm))
        return EXIT_OK
    check(args)
    if args.action == EXTRACT:
        _tell_features(args, _extracted(args))
        return EXIT_OK
    from plugin.cli.learn_param import parameters
    from plugin.ml.novelty.fitted import check_values
    from plugin.offline.flow_training import (
        Recipe,
        check_place,
        check_recipe,
        name_of,
        save_flow_model,
        train,
    )

    # All that can be wrong with options is told before the work, not after it.
    recipe = check_recipe(
        Recipe(
            algorithm=args.algorithm,
            options=parameters(args.param, args.algorithm),
            seed=args.seed,
            test_size=args.test_size,
            alarms=args.alarms,
            name=args.name or name_of(args.output),
        )
    )
    if recipe.options:
        check_values(recipe.algorithm, recipe.options)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    check_place(args.output, force=args.force)
    if args.report is not None:
        from plugin.offline.flow_report import report_form

        report_form(args.report)
        output.check_outputs(args, args.report, None if args.action == TRAIN else args.feature)
    if args.grid is not None:
        algorithm, found = _chosen(args)
        recipe = recipe._replace(algorithm=algorithm, options=found)
    if args.action == TRAIN:
        from plugin.offline.flow_files import read_features

        extracted = read_features(args.feature)
    else:
        extracted = _extracted(args)
    learned = train(extracted, recipe)
    _warn(args, learned)
    save_flow_model(learned.model, args.output, force=args.force)
    if args.report is not None:
        _report(args, extracted, learned)
    _tell(args, extracted, learned)
    return EXIT_OK


def _inputs(args: argparse.Namespace) -> list[Input]:
    from plugin.offline.flow_learning import ABNORMAL, NORMAL, Input

    labels = args.label * len(args.pcap) if len(args.label) == 1 else args.label
    labels = labels or [None] * len(args.pcap)
    return [
        *(Input(path, file) for path, file in zip(args.pcap, labels, strict=True)),
        *(Input(path, None, NORMAL) for path in args.pcap_normal),
        *(Input(path, None, ABNORMAL) for path in args.pcap_abnormal),
    ]


def _wanted(args: argparse.Namespace) -> Wanted:
    from plugin.offline.flow_learning import Wanted

    return Wanted(
        feature=args.feat_type,
        fft=args.fft,
        header=args.header,
        q=args.q_interval,
        interval=args.interval,
        sampling=args.sampling,
        min_packets=args.flow_pkts_threshold,
        timeouts=(args.timeout, args.timeout),
        last=args.last,
    )


def _extracted(args: argparse.Namespace) -> Extracted:
    """Read the captures; keep the features in a file where one is named."""
    from plugin.cli.progress import byte_progress
    from plugin.offline.flow_learning import extract

    inputs = output.check_outputs(args, args.feature)
    if learn_scale.many(args):
        return _kept(args, learn_scale.extracted(args, _inputs(args), _wanted(args)), inputs)
    bar = byte_progress(args.pcap[0] if len(args.pcap) == 1 else Path("-"), quiet=args.quiet)
    with bar as progress:
        extracted = extract(
            _inputs(args),
            _wanted(args),
            mapping=args.label_mapping,
            progress=progress,
            warn=lambda said: output.warn(args, said),
        )
    return _kept(args, extracted, inputs)


def _kept(args: argparse.Namespace, extracted: Extracted, inputs: list[Path]) -> Extracted:
    """Write the features to a file where one is named."""
    if args.feature is not None:
        from plugin.offline.flow_files import write_features

        args.feature.parent.mkdir(parents=True, exist_ok=True)
        with output.binary_output(args.feature, force=args.force, inputs=inputs) as stream:
            write_features(extracted, stream)
    return extracted


def _chosen(args: argparse.Namespace) -> tuple[str, dict[str, object]]:
    """Search; put the best feature in the place of its options, and give algorithm and options."""
    variant, point = learn_scale.chosen(args, _inputs(args), _wanted(args))
    args.feat_type, args.fft, args.header = variant
    return point.algorithm, dict(point.options)


def _warn(args: argparse.Namespace, learned: Learned) -> None:
    if learned.alike:
        output.warn(
            args,
            "all flows of the training score the same: they are all alike,"
            " or these options tell nothing apart",
        )


def _report(args: argparse.Namespace, extracted: Extracted, learned: Learned) -> None:
    """Write the report: of the flows of the test; where there was none, of those learned."""
    from plugin.offline.flow_report import report_form, report_of, write_report

    judged = extracted.take(learned.tested if learned.history else learned.trained)
    report = report_of(learned.model, judged, learned=not learned.history)
    args.report.parent.mkdir(parents=True, exist_ok=True)
    inputs = output.check_outputs(args, args.report)
    with output.binary_output(args.report, force=args.force, inputs=inputs) as stream:
        write_report(stream, report_form(args.report), report)


def _tell_features(args: argparse.Namespace, extracted: Extracted) -> None:
    if args.json:
        print(
            output.json_line({"feature": printable(str(args.feature)), **_facts(extracted)}), end=""
        )
        return
    print(f"wrote {printable(str(args.feature))}: {_said(extracted)}")


def _tell(args: argparse.Namespace, extracted: Extracted, learned: Learned) -> None:
    """What was learned, and how well it does where there were labels to test on."""
    place = printable(str(args.output))
    if args.json:
        document = {"model": place, **_facts(extracted), **learned.document()}
        print(output.json_line(document), end="")
        return
    print(f"wrote {place}: {learned.model.manifest.algorithm} on {_said(extracted)}")
    print("".join(f"  {line}\n" for line in learned.lines()), end="")


def _said(extracted: Extracted) -> str:
    """The features in a line."""
    spec, labels = extracted.spec, extracted.labels
    n, columns = extracted.features.shape
    more = "".join(f" {word}" for word in ("fft", "header") if getattr(spec, word))
    told = ""
    if labels is not None:
        abnormal = int((labels == 1).sum())
        told = f", {n - abnormal} normal and {abnormal} abnormal"
    return (
        f"{spec.feature}{more} of {n} flows{told}, {columns} columns, parted at {spec.interval:g} s"
    )


def _facts(extracted: Extracted) -> dict[str, object]:
    labels = extracted.labels
    return {
        "flows": len(extracted.features),
        "columns": extracted.features.shape[1],
        "abnormal": None if labels is None else int((labels == 1).sum()),
        "spec": extracted.spec.document(),
    }
