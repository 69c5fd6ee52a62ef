"""``halia learn --help-algorithm`` and ``--help-param``."""

from __future__ import annotations

import json

from plugin.ml.novelty.options import ALGORITHMS, Algorithm

INDENT = "  "


def text(*, meanings: bool) -> str:
    """Tell the algorithms that ``halia learn`` has.

    Args:
        meanings: what each algorithm and option means too; else options and defaults only, in the
            form that ``--param`` reads.
    """
    parts = [_told(one) if meanings else _listed(one) for one in ALGORITHMS]
    end = (
        ""
        if meanings
        else "# --param takes these, and files of them; --help-algorithm explains them.\n"
    )
    return "\n".join(parts) + end


def _title(one: Algorithm) -> str:
    return f"{one.name} ({one.short})" if one.short else one.name


def _told(one: Algorithm) -> str:
    names = [f"{option.name}: {json.dumps(option.default)}" for option in one.options]
    width = max(map(len, names))
    lines = [_title(one), INDENT + one.meaning]
    lines += [
        f"{INDENT * 2}{name:<{width}}  {option.meaning}"
        for name, option in zip(names, one.options, strict=True)
    ]
    return "\n".join(lines) + "\n"


def _listed(one: Algorithm) -> str:
    lines = [f"{one.name}:" + (f"  # {one.short.lower()}" if one.short else "")]
    lines += [f"{INDENT}{option.name}: {json.dumps(option.default)}" for option in one.options]
    return "\n".join(lines) + "\n"
