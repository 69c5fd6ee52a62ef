"""``halia policy simulate``: whom a policy would have isolated, how long, at what caps."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from plugin.cli import options, output
from plugin.cli.inputs import inputs_of
from plugin.cli.main import EXIT_INPUT, EXIT_OK
from plugin.errors import OptionError, printable
from plugin.policy.explain import lasting
from plugin.records import iso_second

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from plugin.offline.history import Told
    from plugin.offline.simulate import Simulated
    from plugin.policy.rules import Policy
    from plugin.policy.trial import Deed

HELP = (
    "whom a policy would have isolated, how long, and what its caps would have stopped; all its"
    " rules are taken as enforced"
)
HEADER = ("time", "device", "where", "rule", "action", "for", "")
SHOWN = 400
"""Letters of a reason that a table shows."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--from",
        dest="paths",
        metavar="JOURNAL|PCAP",
        nargs="+",
        required=True,
        type=options.path,
        help="the folder of a journal (or of run.state), or captures and folders of them, each"
        " judged on its own as 'halia run' does",
    )
    parser.add_argument(
        "--policy", metavar="FILE", type=options.path, required=True, help="the policy to try"
    )
    options.common(parser, model=True)


def run(args: argparse.Namespace) -> int:
    """Play what was said through the policy."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as halia classify
    from plugin.offline.policy import load_policy
    from plugin.offline.simulate import simulate
    from plugin.settings import load_settings

    settings = load_settings(config=args.config, flags={"model": args.model})
    policy = load_policy(args.policy, settings.data)
    faults: list[str] = []

    def faulty(text: str) -> None:
        output.complain(text)
        faults.append(text)

    if args.out is not None:
        output.check_output(args.out, force=args.force, inputs=inputs_of(args))
    with output.text_output(args) as out:
        found = simulate(policy, _said(args, faulty))
        for text in found.tried.refused:
            output.warn(args, f"may not be enforced as it stands: {text}")
        if found.unreadable:
            output.warn(args, f"{found.unreadable:,} entries could not be understood")
        if args.json:
            out.writelines(map(output.json_line, documents(found, policy)))
        else:
            out.write(page(found, policy))
    return EXIT_INPUT if faults else EXIT_OK


def _said(args: argparse.Namespace, faulty: Callable[[str], None]) -> Iterator[Told]:
    from plugin.offline.judges import load_judges
    from plugin.offline.simulate import from_captures, from_journal, journal_in
    from plugin.settings import load_settings

    journals = [(path, journal_in(path)) for path in args.paths]
    if any(folder is not None for _, folder in journals):
        if len(journals) > 1:
            raise OptionError(
                "one journal at a time, and no captures beside it",
                where="halia policy simulate --from",
            )
        (_, folder), *_ = journals
        assert folder is not None
        yield from from_journal(folder, faulty)
        return
    settings = load_settings(config=args.config, flags={"model": args.model})
    yield from from_captures(args.paths, load_judges(settings), faulty)


def page(found: Simulated, policy: Policy) -> str:
    """Tell it as a table, a row for each thing that would have been done or stopped."""
    tried = found.tried
    modes = {rule.name: rule.mode for rule in policy.rules}
    rows = [_row(deed) for deed in tried.deeds]
    text = output.table(rows, HEADER) if rows else ""
    judged = _number(found.verdicts, "judged capture")
    lines = [f"{_span(found)}: {_number(found.devices, 'device')}, {judged}"]
    done = {deed.mac for deed in tried.deeds if deed.isolates and deed.stopped is None}
    spared = {deed.mac for deed in tried.deeds if deed.isolates and deed.stopped} - done
    lines.append(
        f"would have been isolated: {_number(len(done), 'device')}, {tried.most:,} at a time"
        f" at most (caps.devices: {policy.caps.devices}); wanted and not done:"
        f" {len(spared):,} more"
    )
    if tried.frozen is not None:
        time, why = tried.frozen
        lines.append(f"the caps were first breached at {iso_second(time)}: {why}")
    counts = Counter(deed.rule for deed in tried.deeds if deed.stopped is None)
    lines += [
        f"rule {name} ({modes.get(name)}): {_number(n, 'time')}" for name, n in counts.most_common()
    ]
    return text + "".join(f"{printable(line)}\n" for line in lines)


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _span(found: Simulated) -> str:
    if found.began is None:
        return "nothing was said"
    return f"from {iso_second(found.began)} to {iso_second(found.ended)}"


def _row(deed: Deed) -> tuple[str, ...]:
    where = "-" if deed.place is None else f"{deed.place.dp}:{deed.place.port}"
    if deed.stopped is not None:
        length, what = "-", f"not done: {deed.stopped}"
    else:
        asked = "once approved: " if deed.asked else ""
        length, what = lasting(round(deed.seconds)), f"{asked}{deed.reason}"
    name = "" if deed.name is None else f" ({deed.name})"
    cells = (
        iso_second(deed.began),
        f"{deed.mac}{name}",
        where,
        deed.rule,
        deed.action,
        length,
        what,
    )
    return tuple(printable(cell[:SHOWN]) for cell in cells)


def documents(found: Simulated, policy: Policy) -> Iterator[dict[str, Any]]:
    """Tell it as JSON's types: each deed, and a last line for all."""
    for deed in found.tried.deeds:
        yield {
            "kind": "deed",
            "mac": deed.mac,
            "name": deed.name,
            "place": None if deed.place is None else deed.place._asdict(),
            "rule": deed.rule,
            "action": deed.action,
            "time": iso_second(deed.began),
            "seconds": deed.seconds,
            "done": deed.stopped is None,
            "stopped": deed.stopped,
            "isolates": deed.isolates,
            "asked": deed.asked,
            "reason": deed.reason,
            "evidence": list(deed.evidence),
        }
    frozen = found.tried.frozen
    deeds = [deed for deed in found.tried.deeds if deed.isolates]
    yield {
        "kind": "summary",
        "policy": policy.source,
        "digest": policy.digest,
        "from": None if found.began is None else iso_second(found.began),
        "to": iso_second(found.ended),
        "devices": found.devices,
        "verdicts": found.verdicts,
        "unreadable": found.unreadable,
        "isolated": len({deed.mac for deed in deeds if deed.stopped is None}),
        "most": found.tried.most,
        "seconds": sum(deed.seconds for deed in deeds),
        "frozen": None if frozen is None else {"time": iso_second(frozen[0]), "why": frozen[1]},
        "refused": list(found.tried.refused),
    }
