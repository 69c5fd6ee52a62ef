"""``halia policy``: check policies, try them on samples and on what was, explain what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.cli import asking, options, output, policy_import, policy_lint, policy_trial
from plugin.cli.main import EXIT_INPUT, EXIT_NO, EXIT_OK
from plugin.cli.policy_page import page
from plugin.errors import OptionError, PolicyError, printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path
    from typing import TextIO

    from plugin.offline.policy import Tried
    from plugin.policy.rules import Policy
    from plugin.policy.samples import Result

HELP = "Check policies, try them on samples and on what was, say which rule applies and why."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add ``check``, ``test``, ``explain``, ``simulate``, ``import``, ``lint`` and ``schema``."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    check = verbs.add_parser("check", help="read policies; all that is wrong in them at once")
    _files(check)
    options.common(check)
    test = verbs.add_parser(
        "test",
        help="try policies on their samples (samples: in FILE.yaml, or FILE.samples.yaml);"
        " exit code 4 if one does not come out as it says",
    )
    _files(test)
    options.common(test)
    explain = verbs.add_parser(
        "explain", help="which rule applies to a device, on which evidence, and why not the others"
    )
    explain.add_argument(
        "what", metavar="DEVICE|POLICY",
        help="a device of the running Halia, by its MAC address, IP address or name; with --subject"
        " a policy's file",
    )  # fmt: skip
    explain.add_argument(
        "--subject",
        metavar="FILE",
        type=options.path,
        help="ask no daemon: this device, as in samples (YAML or JSON), by the policy of that file",
    )
    asking.common(explain)
    policy_trial.configure(verbs.add_parser("simulate", help=policy_trial.HELP))
    policy_import.configure(verbs.add_parser("import", help=policy_import.HELP))
    policy_lint.configure(verbs.add_parser("lint", help=policy_lint.HELP))
    schema = verbs.add_parser("schema", help="print where the JSON Schema stands, for editors")
    options.common(schema)


def run(args: argparse.Namespace) -> int:
    """Carry out one verb."""
    verbs = {
        "check": _check,
        "test": _test,
        "explain": _explain,
        "simulate": policy_trial.run,
        "import": policy_import.run,
        "lint": policy_lint.run,
        "schema": _schema,
    }
    return verbs[args.verb](args)


def _files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        metavar="FILE",
        nargs="+",
        type=options.path,
        help="a policy; of FILE.samples.yaml the policy beside it is meant",
    )


def _data(args: argparse.Namespace) -> Path | None:
    from plugin.settings import load_settings

    return load_settings(config=args.config).data


def _policies(args: argparse.Namespace) -> list[Path]:
    """Give the files that were named, each policy once."""
    from plugin.policy.samples import SUFFIX

    found = []
    for path in args.paths:
        stem = path.name.removesuffix(SUFFIX)
        beside = path if stem == path.name else path.with_name(f"{stem}.yaml")
        found.append(beside)
    return list(dict.fromkeys(found))


def _check(args: argparse.Namespace) -> int:
    from plugin.offline.policy import load_policy

    data = _data(args)
    with output.text_output(args) as out:

        def check(file: Path) -> int:
            policy = load_policy(file, data)
            if args.json:
                out.write(output.json_line(_summary(policy)))
            else:
                for warning in policy.warnings:
                    output.warn(args, warning)
                out.write(f"{printable(str(file))}: good: {_words(policy)}\n")
            return EXIT_OK

        return _each(args, check, out)


def _each(args: argparse.Namespace, do: Callable[[Path], int], out: TextIO) -> int:
    """Do something with each policy; gives the gravest answer, a refused file before a "no"."""
    codes = set()
    for file in _policies(args):
        try:
            codes.add(do(file))
        except PolicyError as error:
            codes.add(EXIT_INPUT)
            _refused(args, file, error, out)
    return next((code for code in (EXIT_INPUT, EXIT_NO) if code in codes), EXIT_OK)


def _refused(args: argparse.Namespace, file: Path, error: PolicyError, out: TextIO) -> None:
    if args.json:
        problems = [printable(problem) for problem in error.problems]
        document = {"file": printable(str(file)), "ok": False, "problems": problems}
        out.write(output.json_line(document))
    else:
        for problem in error.problems:
            output.complain(problem)


def _summary(policy: Policy) -> dict[str, Any]:
    return {
        "file": printable(policy.source),
        "ok": True,
        "problems": [],
        "warnings": list(policy.warnings),
        "rules": len(policy.rules),
        "enforced": [rule.name for rule in policy.rules if rule.mode == "enforce"],
        "digest": policy.digest,
    }


def _words(policy: Policy) -> str:
    enforced = [rule.name for rule in policy.rules if rule.mode == "enforce"]
    rules = "1 rule" if len(policy.rules) == 1 else f"{len(policy.rules)} rules"
    return f"{rules}, enforced: {', '.join(enforced) or 'none'}"


def _test(args: argparse.Namespace) -> int:
    from plugin.offline.policy import try_policy

    data = _data(args)
    with output.text_output(args) as out:

        def test(file: Path) -> int:
            tried = try_policy(file, data)
            _report(args, file, tried, out)
            return EXIT_NO if tried.failed else EXIT_OK

        return _each(args, test, out)


def _report(args: argparse.Namespace, file: Path, tried: Tried, out: TextIO) -> None:
    if args.json:
        out.writelines(output.json_line(_result(file, result)) for result in tried.results)
        return
    for result in tried.results:
        for problem in result.problems:
            place = printable(result.sample.place)
            out.write(f"{place}: {result.sample.name}: {problem}\n")
        if args.verbose and not result.problems:
            out.write(f"{printable(result.sample.place)}: {result.sample.name}: as expected\n")
    good = len(tried.results) - tried.failed
    out.write(f"{printable(str(file))}: {good} of {len(tried.results)} samples are as expected\n")


def _result(file: Path, result: Result) -> dict[str, Any]:
    evaluation = result.evaluation
    return {
        "file": printable(str(file)),
        "sample": result.sample.name,
        "place": printable(result.sample.place),
        "ok": not result.problems,
        "problems": list(result.problems),
        "enforced": evaluation.enforced and evaluation.enforced.rule.name,
        "simulated": evaluation.simulated and evaluation.simulated.rule.name,
        "protected": result.protected and printable(result.protected),
    }


def _explain(args: argparse.Namespace) -> int:
    if args.subject is None and options.path(args.what).is_file():
        raise OptionError("is a file: --subject says which device it is tried on", where=args.what)
    document = _live(args) if args.subject is None else _tried(args)
    if document is None:
        output.complain(f"{args.what}: no such device is known; see 'halia devices list'")
        return EXIT_NO
    with output.text_output(args) as out:
        if args.json:
            out.write(output.json_line(document))
        else:
            width, colour = asking.width_of(out), asking.coloured(out)
            out.write(page(document, width=width, colour=colour))
            out.writelines(_case_lines(document.get("case"), width, colour=colour))
    return EXIT_OK


def _tried(args: argparse.Namespace) -> dict[str, Any]:
    """What a policy's file says about a device's."""
    from plugin.offline.policy import load_policy, load_subject
    from plugin.policy.explain import explain, to_document

    args.policy = options.path(args.what)  # an input: no output may stand there
    policy = load_policy(args.policy, _data(args))
    return to_document(explain(policy, load_subject(args.subject), asking.now()))


def _live(args: argparse.Namespace) -> dict[str, Any] | None:
    """What the daemon's policy says about a device now, and what is decided about it."""
    if args.what.endswith((".yaml", ".yml", ".json")) and options.path(args.what).is_file():
        raise OptionError(
            "is a file: whose device is it to be tried on?",
            where=args.what,
            advice="name a device's file with --subject, or a device of the running Halia",
        )
    from plugin.control.client import ask
    from plugin.control.protocol import Request

    request = Request(ask="explain", arguments={"key": args.what})
    return next(iter(ask(asking.socket_of(args), request)), None)


def _case_lines(case: dict[str, Any] | None, width: int | None, *, colour: bool) -> list[str]:
    from plugin.cli.case_page import standing
    from plugin.cli.columns import labelled

    if case is None:
        return []
    facts = standing(case, asking.now())
    found = [labelled(*fact, width=width, colour=colour) for fact in facts]
    return ["\nnow\n", *(f"{line}\n" for lines in found for line in lines)]


def _schema(args: argparse.Namespace) -> int:
    from plugin.offline.policy import schema_file

    file = printable(str(schema_file(_data(args))))
    with output.text_output(args) as out:
        out.write(output.json_line({"schema": file}) if args.json else f"{file}\n")
    return EXIT_OK
