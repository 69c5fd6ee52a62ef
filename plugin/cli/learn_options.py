"""The options of ``halia learn``; those that netml has are spelled as there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.cli import options

if TYPE_CHECKING:
    import argparse

FEATURES = ("IAT", "SIZE", "IAT_SIZE", "STATS", "SAMP_NUM", "SAMP_SIZE")
ALGORITHM = "one-class-svm"
SEED = 42
"""netml's."""


def add_captures(parser: argparse.ArgumentParser) -> None:
    """Add what names captures and their labels."""
    group = parser.add_argument_group("captures and labels")
    group.add_argument(
        "-p", "--pcap", action="append", default=[], type=options.path, metavar="PATH",
        help="a capture, a folder of captures, or - for standard input; may be repeated",
    )  # fmt: skip
    group.add_argument(
        "-l", "--label", action="append", default=[], type=options.path, metavar="FILE",
        help="labels of the flows of --pcap: one file for all, or one for each in their order;"
        " CSV with the columns of CIC-IDS-2017, Zeek's conn.log, Suricata's eve.json; flows without"
        " a label are left out",
    )  # fmt: skip
    group.add_argument(
        "--label-mapping", type=options.path, metavar="FILE",
        help="which column of another CSV is what, and which labels are normal (docs/flows.md)",
    )  # fmt: skip
    group.add_argument(
        "--pcap-normal", action="append", default=[], type=options.path, metavar="PATH",
        help="as --pcap, all flows labelled normal",
    )  # fmt: skip
    group.add_argument(
        "--pcap-abnormal", action="append", default=[], type=options.path, metavar="PATH",
        help="as --pcap, all flows labelled abnormal",
    )  # fmt: skip


def add_flows(parser: argparse.ArgumentParser) -> None:
    """Add how flows are parted and measured."""
    group = parser.add_argument_group("flows and features")
    group.add_argument(
        "-f", "--feature", type=options.path, metavar="FILE.dat",
        help="the file of features: 'extract' writes it, 'train' reads it and never writes it;"
        " without either it is written on the way",
    )  # fmt: skip
    group.add_argument(
        "--feat-type", type=str.upper, choices=FEATURES, default=FEATURES[0], metavar="TYPE",
        help=f"what is taken of a flow: {', '.join(FEATURES)} (default: {FEATURES[0]})",
    )  # fmt: skip
    group.add_argument("--fft", action="store_true", help="transform the values (Fourier)")
    group.add_argument("--header", action="store_true", help="also TCP flags and TTLs")
    group.add_argument(
        "--q-interval", type=float, default=0.9, metavar="SHARE",
        help="quantile of durations that a pause must exceed to part a flow, and of packets a row"
        " has room for (default: 0.9)",
    )  # fmt: skip
    group.add_argument(
        "--interval", type=options.duration, metavar="TIME",
        help="the pause itself, in place of the quantile",
    )  # fmt: skip
    group.add_argument(
        "--sampling", type=options.window, metavar="TIME",
        help="window of SAMP_NUM and SAMP_SIZE (default: a quantile of the durations)",
    )  # fmt: skip
    group.add_argument(
        "--flow-pkts-threshold", type=int, default=2, metavar="N",
        help="leave out flows of fewer packets (default: 2)",
    )  # fmt: skip
    group.add_argument(
        "--timeout", type=options.window, default=600.0, metavar="TIME",
        help="end a flow after such a time without a packet (default: 600s)",
    )  # fmt: skip
    group.add_argument(
        "--last", choices=("keep", "drop"), default="keep",
        help="the last part of a flow that was parted: keep it, or drop it as netml does",
    )  # fmt: skip


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add how a model is learned, and where it is written."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "-o", "--output", "--out", "-m", "--model", dest="output", type=options.path,
        metavar="MODEL", help="the folder to write the model to",
    )  # fmt: skip
    group.add_argument(
        "--force", action="store_true", help="replace a model or a file of features that exists"
    )
    group.add_argument("--name", help="the model's name (default: that of its folder)")
    group.add_argument(
        "--algorithm", default=ALGORITHM, metavar="NAME",
        help=f"how to learn (default: {ALGORITHM}); netml's names do too: ocsvm, kde, if, ae, gmm,"
        " pca",
    )  # fmt: skip
    group.add_argument("--help-algorithm", action="store_true", help="tell the algorithms and exit")
    group.add_argument(
        "--param", metavar="YAML",
        help="options of the algorithm, as YAML or JSON or a file of it: {nu: 0.1}, or for several"
        " algorithms {ocsvm: {nu: 0.1}}",
    )  # fmt: skip
    group.add_argument(
        "--help-param", action="store_true", help="tell the options of all algorithms and exit"
    )
    group.add_argument(
        "--test-size", type=float, default=0.33, metavar="SHARE",
        help="flows to test on, where there are labels (default: 0.33)",
    )  # fmt: skip
    group.add_argument(
        "--random-state", "--seed", dest="seed", type=int, default=SEED, metavar="N",
        help=f"seed of everything random (default: {SEED})",
    )  # fmt: skip
    group.add_argument(
        "--alarms", type=float, default=0.1, metavar="SHARE",
        help="of flows of the training's kind so many may be called anomalies: sets the threshold"
        " (default: 0.1)",
    )  # fmt: skip
    group.add_argument(
        "--report", type=options.path, metavar="FILE",
        help="also write a report, FILE.html or FILE.png (extra halia[plot]): AUC, ROC and"
        " precision-recall curves, scores, the farthest flows with reasons",
    )  # fmt: skip
