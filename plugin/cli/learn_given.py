"""The options of ``halia learn`` held against each other: none is silently without effect.

An option that was given its default is not seen: it changes nothing.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

from plugin.cli import learn_options, learn_scale
from plugin.errors import OptionError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from plugin.flows.variant import Variant

EXTRACT, TRAIN = "extract", "train"
SEED_MAX = 2**32 - 1
SAMPLED = frozenset({"SAMP_NUM", "SAMP_SIZE"})
"""Features that have a window."""
_INPUTS = ("pcap", "pcap_normal", "pcap_abnormal", "label", "label_mapping")
_FEATURES = (
    "feat_type", "fft", "header", "q_interval", "interval", "sampling", "flow_pkts_threshold",
    "timeout", "last",
)  # fmt: skip
_TLS = ("dask_ca", "dask_cert", "dask_key")
_SCALE = ("jobs", "resume", "dask", *_TLS)
_MODEL = ("name", "algorithm", "param", "test_size", "seed", "alarms", "report")
_SPELLED = {"seed": "--random-state"}


def check(args: argparse.Namespace) -> None:
    """Hold the options against each other.

    Raises:
        OptionError: what does not fit, or would be passed over.
    """
    if args.action == TRAIN:
        _check_train(args)
    else:
        _check_captures(args)
    _check_places(args)
    if args.grid is not None:
        _check_grid(args)
    for needed, names, written in (
        ("grid", ("splits",), "--grid"),
        ("dask", _TLS, "--dask tls://…"),
    ):
        if getattr(args, needed) is None and (option := _first(args, names)) is not None:
            raise OptionError(f"is for {written}", where=option)
    if not 0 <= args.seed <= SEED_MAX:
        raise OptionError(f"is not from 0 to {SEED_MAX}", where="--random-state")


def check_named(
    args: argparse.Namespace, variants: Sequence[Variant] | None, *, algorithms: bool
) -> None:
    """Refuse options beside a grid that names the same itself.

    Args:
        args: the options.
        variants: features that the grid names; None: none.
        algorithms: whether it names algorithms.

    Raises:
        OptionError: an option would be passed over.
    """
    _check_window(args, [args.feat_type] if variants is None else [one.feature for one in variants])
    names: tuple[str, ...] = () if variants is None else ("feat_type", "fft", "header")
    names += ("algorithm",) if algorithms else ()
    if (option := _first(args, names)) is not None:
        what = "algorithms" if option == "--algorithm" else "features"
        raise OptionError(
            f"does not go with {what} in --grid", where=option, advice="write it in the grid"
        )


def _first(args: argparse.Namespace, names: Sequence[str]) -> str | None:
    """The first of some options that is not as it is by default, as it is spelled."""
    parser = ArgumentParser()
    learn_options.add_captures(parser)
    learn_options.add_flows(parser)
    learn_options.add_model(parser)
    learn_scale.configure(parser)
    for name in names:
        found: Any = getattr(args, name)
        if found != parser.get_default(name):
            return _SPELLED.get(name, "--" + name.replace("_", "-"))
    return None


def _check_places(args: argparse.Namespace) -> None:
    """Features to read or to write, and the model that is made or not."""
    if args.action is not None and args.feature is None:
        raise OptionError(f"'{args.action}' needs --feature FILE", where="--feature")
    if args.action != EXTRACT:
        if args.output is None:
            raise OptionError("no place for the model", advice="give --output MODEL")
        return
    if args.output is not None:
        raise OptionError("'extract' makes no model", where="--output", advice="give --feature")
    if (option := _first(args, _MODEL)) is not None:
        advice = "leave out 'extract' to do both steps, or give it to 'train'"
        raise OptionError("'extract' makes no model", where=option, advice=advice)


def _check_train(args: argparse.Namespace) -> None:
    for names, why in (
        (_INPUTS, "it reads a file of features"),
        (_FEATURES, "its features are made already"),
        (_SCALE, "it reads one file, in one process"),
    ):
        if (option := _first(args, names)) is not None:
            raise OptionError(
                f"does not apply to 'train': {why}",
                where=option,
                advice="leave out 'train' to do both steps, or give it to 'extract'",
            )


def _check_captures(args: argparse.Namespace) -> None:
    if args.label and not args.pcap:
        raise OptionError("is for the flows of --pcap, and there is none", where="--label")
    if args.label_mapping is not None and not args.label:
        raise OptionError(
            "tells how to read a file of labels, and there is none",
            where="--label-mapping",
            advice="give --label FILE",
        )
    if not (args.pcap or args.pcap_normal or args.pcap_abnormal):
        raise OptionError(
            "no capture was named", advice="give --pcap, or --pcap-normal and --pcap-abnormal"
        )
    if len(args.label) > 1 and len(args.label) != len(args.pcap):
        raise OptionError(
            f"{len(args.label)} files of labels for {len(args.pcap)} captures",
            where="--label",
            advice="give one for all, or one for each --pcap",
        )
    if args.grid is None:
        _check_window(args, [args.feat_type])


def _check_window(args: argparse.Namespace, features: Sequence[str]) -> None:
    """Refuse a window that none of these features has."""
    if args.sampling is not None and SAMPLED.isdisjoint(features):
        raise OptionError(f"is for {' and '.join(sorted(SAMPLED))}", where="--sampling")


def _check_grid(args: argparse.Namespace) -> None:
    if args.action is not None:
        raise OptionError(
            f"does not apply to '{args.action}': a search reads captures and ends in a model",
            where=learn_scale.GRID,
            advice=f"leave out '{args.action}'",
        )
    if args.param is not None:
        advice = "write options in the grid, under the name of their algorithm"
        raise OptionError("does not go with --grid", where="--param", advice=advice)
