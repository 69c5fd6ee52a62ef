"""What a text of Faucet's configuration means, whatever its form: comments, order, style. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from plugin.faucet.tree import Tree, UnreadableError, flow

if TYPE_CHECKING:
    from collections.abc import Iterator

_INDENT = "  "
_BLOCKS = 4
"""Levels that are written a line each: section, name, ``interfaces``, port."""


@lru_cache(maxsize=8)
def meaning(text: str) -> str:
    """Write what a text means in the one form in which two are compared, and shown as a diff.

    Of a text that is no configuration, the text itself.
    """
    try:
        plain = Tree(text).plain
    except UnreadableError:
        return text
    return "".join(f"{line}\n" for line in _lines(plain, _BLOCKS))


def merged_into(text: str, wanted: str) -> str | None:
    """Give the smallest document that, merged into a text, makes it mean what is wanted.

    Merging is faucetconfrpc's: mappings merge, plain values replace. Whatever another client has
    changed meanwhile elsewhere in the file stays.

    Returns:
        None: no merge can do it, for something has to go or is a list.
    """
    try:
        found = _changes(Tree(text).plain, Tree(wanted).plain)
    except (UnreadableError, _UnmergeableError):
        return None
    return f"{flow(found)}\n"


class _UnmergeableError(ValueError):
    """A merge can only add and replace."""


def _changes(old: dict[Any, Any], new: dict[Any, Any]) -> dict[Any, Any]:
    if old.keys() - new.keys():
        raise _UnmergeableError
    found = {}
    for key, value in new.items():
        was = old.get(key)
        if key in old and _is_same(was, value):
            continue
        if isinstance(was, dict) and isinstance(value, dict):
            found[key] = _changes(was, value)
        elif isinstance(was, dict | list) or isinstance(value, dict | list):
            raise _UnmergeableError
        else:
            found[key] = value
    return found


def _is_same(one: Any, other: Any) -> bool:
    """Tell whether both mean the same: 1 is not true."""
    return flow(_ordered(one)) == flow(_ordered(other))


def _lines(value: Any, levels: int) -> Iterator[str]:
    """Write mappings in the order of their keys, lists in their own."""
    if levels and value and isinstance(value, dict):
        for key in sorted(value, key=_rank):
            inner = value[key]
            if inner and isinstance(inner, dict | list) and levels > 1:
                yield f"{flow(key)}:"
                yield from (_INDENT + line for line in _lines(inner, levels - 1))
            else:
                yield f"{flow(key)}: {flow(_ordered(inner))}"
    elif levels and value and isinstance(value, list):
        yield from (f"- {flow(_ordered(item))}" for item in value)
    else:
        yield flow(_ordered(value))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=_rank)}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def _rank(key: Any) -> tuple[str, Any]:
    """Order keys of all kinds; numbers by size."""
    number = isinstance(key, int | float)
    return ("", key) if number else (type(key).__name__, str(key))
