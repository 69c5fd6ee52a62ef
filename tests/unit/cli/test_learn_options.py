from __future__ import annotations

from plugin.cli import learn_options
from plugin.cli.main import command_parser
from plugin.flows.spec import FEATURES
from plugin.ml.flow_model import ALARMS
from plugin.ml.novelty.registry import canonical
from plugin.offline.flow_learning import Wanted
from plugin.offline.flow_training import SEED, TEST_SIZE


def test_defaults_are_those_of_the_library() -> None:
    """Written out, because the modules import numpy."""
    args = command_parser("learn").parse_args([])
    wanted = Wanted()
    assert learn_options.FEATURES == FEATURES
    assert (args.feat_type, args.q_interval) == (wanted.feature, wanted.q)
    assert (args.flow_pkts_threshold, args.last) == (wanted.min_packets, wanted.last)
    assert (args.timeout, args.timeout) == wanted.timeouts
    assert (args.seed, args.test_size, args.alarms) == (SEED, TEST_SIZE, ALARMS)
    assert canonical(args.algorithm) == args.algorithm


def test_netmls_spellings() -> None:
    words = "-p a.pcap -l a.csv -o m --random-state 7 --q-interval .5 --feat-type stats"
    args = command_parser("learn").parse_args(words.split())
    assert [str(path) for path in (*args.pcap, *args.label, args.output)] == [
        "a.pcap",
        "a.csv",
        "m",
    ]
    assert (args.seed, args.q_interval, args.feat_type) == (7, 0.5, "STATS")
    for spelling in ("-m", "--model", "--output", "--out", "-o"):
        assert str(command_parser("learn").parse_args([spelling, "x"]).output) == "x"
