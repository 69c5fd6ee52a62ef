"""``python -m bench VERB…``: speed, memory, agreement and false alarms, beside the peers."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bench.inputs import Skipped, default_cache, merged_input

GOOD_NAMED_MAX = 1
"""Good devices of the shared data folder that are named: one that calls home at a fixed period."""


VERBS = (
    "core",
    "model",
    "capture",
    "behaviours",
    "anomaly",
    "flows",
    "engine",
    "live",
    "policy",
    "isolate",
    "agree",
    "sos",
)


def _core(args: argparse.Namespace) -> int:
    from bench.core import Options, run_core
    from bench.tables import report_lines, report_object

    options = Options(
        cache=args.cache,
        rounds=args.rounds or (2 if args.quick else 5),
        packets=args.packets,
        pcap=args.pcap,
        quick=args.quick,
        only=tuple(args.only or ()),
    )
    report = run_core(options)
    print(json.dumps(report_object(report)) if args.json else "\n".join(report_lines(report)))
    return 1 if args.check and report.failed else 0


def _model(args: argparse.Namespace) -> int:
    from bench.model import model_lines, run_model

    found = run_model(rows=2_000 if args.quick else 100_000, rounds=args.rounds or 5)
    steps = {"steps": [step._asdict() for step in found]}
    print(json.dumps(steps) if args.json else "\n".join(model_lines(found)))
    return 1 if args.check and not all(step.met for step in found) else 0


def _capture(args: argparse.Namespace) -> int:
    from bench.capture import capture_lines, capture_object, run_capture

    report = run_capture(quick=args.quick, only=tuple(args.only or ()))
    print(json.dumps(capture_object(report)) if args.json else "\n".join(capture_lines(report)))
    return 1 if args.check and report.failed else 0


def _engine(args: argparse.Namespace) -> int:
    from bench.engine import DEVICES, engine_lines, engine_object, run_engine

    report = run_engine(1_000 if args.quick else DEVICES)
    print(json.dumps(engine_object(report)) if args.json else "\n".join(engine_lines(report)))
    return 1 if args.check and report.failed else 0


def _live(args: argparse.Namespace) -> int:
    from bench.live import HOSTS, live_lines, live_object, run_live
    from plugin.errors import LabError

    try:
        found = run_live(2 if args.quick else HOSTS)
    except LabError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print(json.dumps({"timed": live_object(found)}) if args.json else "\n".join(live_lines(found)))
    return 1 if args.check and not all(one.met for one in found) else 0


def _policy(args: argparse.Namespace) -> int:
    from bench.policy import DEVICES, policy_lines, policy_object, run_policy

    found = run_policy(500 if args.quick else DEVICES)
    shown = {"steps": policy_object(found)}
    print(json.dumps(shown) if args.json else "\n".join(policy_lines(found)))
    return 1 if args.check and not all(one.met for one in found) else 0


def _isolate(args: argparse.Namespace) -> int:
    from bench.isolate import isolate_lines, isolate_object, run_isolate
    from plugin.errors import LabError

    try:
        found = run_isolate(quick=args.quick)
    except LabError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    shown = {"measured": isolate_object(found)}
    print(json.dumps(shown) if args.json else "\n".join(isolate_lines(found)))
    return 1 if args.check and not all(one.met for one in found) else 0


def _behaviours(args: argparse.Namespace) -> int:
    from bench.behaviours import GOOD, behaviour_lines, run_behaviours

    groups = run_behaviours()
    if isinstance(groups, str):
        print(f"bench: {groups}", file=sys.stderr)
        return 2
    shown = {"groups": [group._asdict() for group in groups]}
    print(json.dumps(shown) if args.json else "\n".join(behaviour_lines(groups)))
    named = sum(sum(one.named.values()) for one in groups if one.attack == GOOD)
    return 1 if args.check and named > GOOD_NAMED_MAX else 0


def _sos(args: argparse.Namespace) -> int:
    from bench.sos import run_sos, sos_lines, sos_object

    found = run_sos(args.pyod, rounds=args.rounds or (2 if args.quick else 5), quick=args.quick)
    print(json.dumps({"steps": sos_object(found)}) if args.json else "\n".join(sos_lines(found)))
    return 1 if args.check and not all(step.met for step in found) else 0


def _flows(args: argparse.Namespace) -> int:
    from bench.flows import flows_lines, flows_object, run_flows

    rounds = args.rounds or (1 if args.quick else 3)
    found = run_flows(args.cache, args.netml, rounds=rounds, quick=args.quick)
    shown = {"steps": flows_object(found)}
    print(json.dumps(shown) if args.json else "\n".join(flows_lines(found)))
    return 1 if args.check and not all(step.met for step in found) else 0


def _anomaly(args: argparse.Namespace) -> int:
    from bench.anomaly import anomaly_lines, run_anomaly

    report = run_anomaly(args.cache, rounds=args.rounds or 5, quick=args.quick)
    shown = {
        "behaviours": [one._asdict() | {"micros": one.micros} for one in report.costs],
        "classify_times_bare_python": report.times,
    }
    print(json.dumps(shown) if args.json else "\n".join(anomaly_lines(report)))
    return 1 if args.check and report.failed else 0


def _agree(args: argparse.Namespace) -> int:
    from bench.agree import run_agree

    paths = list(args.paths)
    if args.merge:
        merged = merged_input(args.cache, 1)
        if isinstance(merged, Skipped):
            print(f"bench: {merged.reason}", file=sys.stderr)
            return 2
        paths.append(merged.path)
    return run_agree(paths, as_json=args.json, show=args.show)


def _add_sos(verbs: Any, parents: list[argparse.ArgumentParser]) -> None:
    sos = verbs.add_parser(
        "sos", parents=parents, help="stochastic outlier selection beside PyOD's"
    )
    sos.add_argument("--pyod", metavar="PYTHON", help="a Python with PyOD (default: HALIA_PYOD)")
    sos.set_defaults(run=_sos)


def _add_flows(verbs: Any, parents: list[argparse.ArgumentParser], kept: str) -> None:
    flows = verbs.add_parser(
        "flows", parents=parents, help="flow features and learning beside netml's"
    )
    flows.add_argument("--netml", metavar="PYTHON", help="a Python with netml (HALIA_NETML)")
    flows.add_argument("--cache", type=Path, default=default_cache(), metavar="DIR", help=kept)
    flows.set_defaults(run=_flows)


def _add_agree(verbs: Any, common: argparse.ArgumentParser, kept: str) -> None:
    agree = verbs.add_parser("agree", parents=[common], help="every packet beside tshark's")
    agree.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="captures or folders")
    agree.add_argument(
        "--merge", action="store_true", help="on a merge of the shared data folder's captures"
    )
    agree.add_argument("--cache", type=Path, default=default_cache(), metavar="DIR", help=kept)
    agree.add_argument("--show", type=int, default=20, metavar="N", help="differences shown")
    agree.set_defaults(run=_agree)


def _add_anomaly(verbs: Any, parents: list[argparse.ArgumentParser], kept: str) -> None:
    anomaly = verbs.add_parser(
        "anomaly", parents=parents, help="what behaviours cost, and a fresh classify"
    )
    anomaly.add_argument("--cache", type=Path, default=default_cache(), metavar="DIR", help=kept)
    anomaly.set_defaults(run=_anomaly)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    out = argparse.ArgumentParser(prog="bench", description=__doc__)
    kept = f"where made captures and counts are kept (default: {default_cache()})"
    verbs = out.add_subparsers(required=True, metavar="|".join(VERBS))
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON object on stdout")
    timed = argparse.ArgumentParser(add_help=False)
    timed.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    timed.add_argument("--rounds", type=int, metavar="N", help="rounds (5; quick: 2)")
    timed.add_argument("--quick", action="store_true", help="small sizes: a test of the bench")
    core = verbs.add_parser(
        "core", parents=[common, timed], help="capture to sessions and features beside the peers"
    )
    core.add_argument("--packets", type=int, metavar="N", help="size of the generated files")
    core.add_argument("--pcap", type=Path, metavar="FILE", help="run on this capture only")
    core.add_argument(
        "--only", action="append", choices=("small", "short", "long", "merge", "huge")
    )
    core.add_argument("--cache", type=Path, default=default_cache(), metavar="DIR", help=kept)
    core.set_defaults(run=_core)
    model = verbs.add_parser("model", parents=[common, timed], help="our model step and sklearn's")
    model.set_defaults(run=_model)
    capture = verbs.add_parser(
        "capture", parents=[common], help="a live stream of frames beside other capture tools"
    )
    capture.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    capture.add_argument("--quick", action="store_true", help="small sizes: a test of the bench")
    capture.add_argument("--only", action="append", metavar="NAME", help="only this contender")
    capture.set_defaults(run=_capture)
    engine = verbs.add_parser(
        "engine", parents=[common, timed], help="the engine of halia run with 10,000 devices"
    )
    engine.set_defaults(run=_engine)
    live = verbs.add_parser(
        "live", parents=[common, timed], help="how soon halia run knows, in a lab with RabbitMQ"
    )
    live.set_defaults(run=_live)
    policy = verbs.add_parser(
        "policy", parents=[common, timed], help="decisions of 100 rules about 10,000 devices"
    )
    policy.set_defaults(run=_policy)
    verbs.add_parser(
        "isolate", parents=[common, timed], help="how soon an isolation holds, and what it costs"
    ).set_defaults(run=_isolate)
    _add_anomaly(verbs, [common, timed], kept)
    behaviours = verbs.add_parser(
        "behaviours", parents=[common], help="good devices and attacks that behaviours name"
    )
    behaviours.add_argument(
        "--check",
        action="store_true",
        help=f"exit 1 when more than {GOOD_NAMED_MAX} good devices are named",
    )
    behaviours.set_defaults(run=_behaviours)
    _add_sos(verbs, [common, timed])
    _add_flows(verbs, [common, timed], kept)
    _add_agree(verbs, common, kept)
    return out


def main(argv: list[str] | None = None) -> int:
    """Run one verb, or several one after the other with the same options; the worst outcome."""
    words = sys.argv[1:] if argv is None else argv
    first = next((n for n, word in enumerate(words) if word not in VERBS), len(words))
    verbs, options = words[:first], words[first:]
    runs = [[verb, *options] for verb in verbs] if len(verbs) > 1 else [words]
    codes = []
    for run in runs:
        args = parser().parse_args(run)
        codes.append(int(args.run(args)))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
