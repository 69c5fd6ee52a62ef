"""``halia models``: list, show and verify models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from plugin.cli import options, output
from plugin.cli.main import EXIT_NO, EXIT_OK
from plugin.errors import printable

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from plugin.ml.flow_model import Manifest as FlowsManifest
    from plugin.ml.model import Manifest
    from plugin.ml.novelty.model import Manifest as NormalManifest
    from plugin.ml.suspicion import Manifest as SuspicionManifest

HELP = "List, show and verify models."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add ``list``, ``show`` and ``verify``."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="the models that can be named with --model")
    options.common(listing)
    show = verbs.add_parser(
        "show", help="what a model was made for and from (metrics: see docs/training.md)"
    )
    show.add_argument("name", metavar="NAME|PATH", help="a model's name or directory")
    options.common(show)
    verify = verbs.add_parser(
        "verify",
        help="check models as they are before each use: form, sizes, and that arrays.npz is what"
        " manifest.json was written for; exit code 4 if one is refused. Nothing binds manifest.json"
        " itself (its threshold, say): compare its SHA-256, which is printed, with one you trust",
    )
    verify.add_argument(
        "names", metavar="NAME|PATH", nargs="*", help="models; without any, all that are listed"
    )
    options.common(verify)


def run(args: argparse.Namespace) -> int:
    """Carry out one verb."""
    return {"list": _list, "show": _show, "verify": _verify}[args.verb](args)


def _list(args: argparse.Namespace) -> int:
    from plugin.errors import ModelError
    from plugin.ml.fields import to_document

    rows, documents = [], []
    for path in _places(args, []):
        try:
            manifest = _load(path)
        except ModelError as error:
            output.complain(str(error))
            continue
        document = to_document(manifest) | {"path": printable(str(path))}
        del document["metrics"]  # 'halia models show' has them
        documents.append(document)
        rows.append(
            (
                manifest.name,
                manifest.version,
                _kind(document),
                document.get("schema_name") or document.get("spec", {}).get("feature", "signs"),
                len(document.get("classes") or document.get("roles") or ()),
                str(path),
            )
        )
    header = ("name", "version", "algorithm", "features", "classes", "path")
    _write(args, documents, output.table(rows, header))
    return EXIT_OK


def _kind(document: dict[str, Any]) -> str:
    """The algorithm; of other models than those of roles, the kind before it, if it has one."""
    kind, how = document.get("kind"), document.get("algorithm") or document.get("detector")
    return ": ".join(str(part) for part in (kind, how) if part)


def _show(args: argparse.Namespace) -> int:
    from plugin.ml.fields import to_document

    document = to_document(_load(_places(args, [args.name])[0]))
    rows = [(key, _cell(value)) for key, value in document.items() if key != "metrics"]
    rows += _numbers("metrics", document["metrics"])
    _write(args, [document], output.table(rows, ("", "")).partition("\n")[2])
    return EXIT_OK


def _verify(args: argparse.Namespace) -> int:
    from plugin.errors import ModelError
    from plugin.offline.classify import manifest_digest

    documents: list[dict[str, Any]] = []
    for path in _places(args, args.names):
        digest, reason = None, None
        try:
            _load(path)
            digest = manifest_digest(path)
        except ModelError as error:
            reason = error.reason
        document = {"path": printable(str(path)), "ok": reason is None, "reason": reason}
        documents.append({**document, "manifest_sha256": digest})
    rows = [(d["path"], d["reason"] or "good", d["manifest_sha256"] or "") for d in documents]
    _write(args, documents, output.table(rows, ("model", "verdict", "SHA-256 of manifest.json")))
    return EXIT_OK if all(d["ok"] for d in documents) else EXIT_NO


def _places(args: argparse.Namespace, names: list[str]) -> list[Path]:
    """Directories of the named models, or of all that are there."""
    from plugin.offline.classify import find_model, list_models, model_folders
    from plugin.settings import load_settings

    folders = model_folders(load_settings(config=args.config).data)
    return [find_model(name, folders) for name in names] or list_models(folders)


def _load(path: Path) -> Manifest | NormalManifest | SuspicionManifest | FlowsManifest:
    from plugin.offline.classify import load_any

    return load_any(path).manifest


def _write(args: argparse.Namespace, documents: list[dict[str, Any]], text: str) -> None:
    with output.text_output(args) as out:
        if args.json:
            out.writelines(output.json_line(document) for document in documents)
        else:
            out.write(text)


def _numbers(prefix: str, value: object) -> list[tuple[str, str]]:
    """The numbers and notes in free-form metrics, each under its path; tables are for --json."""
    if prefix.endswith((".note", ".notes")) and value:
        return [(prefix, "; ".join(map(str, value)) if isinstance(value, list) else str(value))]
    if isinstance(value, dict):
        return [row for key, item in value.items() for row in _numbers(f"{prefix}.{key}", item)]
    return [(prefix, f"{value:g}")] if isinstance(value, int | float) else []


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return json.dumps(value) if isinstance(value, dict) else str(value)
