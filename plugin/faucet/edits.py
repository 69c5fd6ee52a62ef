"""Changes to a YAML text that leave every other character as it is. Pure.

A change is said twice: as an edit of the text at a node's marks, and as an edit of the plain
values. :func:`change` makes the first and checks it against the second, so that a layout nobody
thought of is refused and never damaged.
"""

from __future__ import annotations

import copy
import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from plugin.faucet.tree import Path, Span, Tree, UnreadableError, flow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROUNDS_MAX = 64


class Edit(NamedTuple):
    """Put ``text`` in place of the characters from ``start`` to ``end``."""

    start: int
    end: int
    text: str


class AddKeys(NamedTuple):
    """New keys in the mapping at ``path`` (also where nothing stands under that path's key)."""

    path: Path
    entries: tuple[tuple[str, Any], ...]
    comment: str = ""


class Prepend(NamedTuple):
    """New items at the beginning of the list at ``path``."""

    path: Path
    items: tuple[str, ...]


class Widen(NamedTuple):
    """``acl_in: x`` at ``path`` becomes ``acls_in: [items…, x]``."""

    path: Path
    key: str
    items: tuple[str, ...]


class RemoveKey(NamedTuple):
    """Take the key at ``path`` away, with its value."""

    path: Path


class RemoveItem(NamedTuple):
    """Take one item out of the list at ``path``."""

    path: Path
    item: str


class SetValue(NamedTuple):
    """Another plain value at ``path``, where one stands."""

    path: Path
    value: str | int


Change = AddKeys | Prepend | Widen | RemoveKey | RemoveItem | SetValue


def digest(text: str) -> str:
    """Give the sha256 of a text's UTF-8, line ends as they are."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Make edits whose places are those of the text before all of them.

    Raises:
        UnreadableError: two of them overlap.
    """
    pieces, at = [], 0
    for edit in sorted(edits):
        if edit.start < at:
            raise UnreadableError("two changes touch the same place")
        pieces += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*pieces, text[at:]])


def inverse(text: str, edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Give the edits that take the outcome of ``edits`` back to ``text``."""
    found, moved = [], 0
    for edit in sorted(edits):
        start = edit.start + moved
        found.append(Edit(start, start + len(edit.text), text[edit.start : edit.end]))
        moved += len(edit.text) - (edit.end - edit.start)
    return tuple(found)


def change(text: str, changes: Sequence[Change]) -> tuple[str, tuple[Edit, ...]]:
    """Add things to a text.

    Returns:
        The new text, and the edits that led to it.

    Raises:
        UnreadableError: the text cannot be edited so that it means what it should.
    """
    tree = Tree(text)
    edits: dict[Edit, None] = {}
    for one in changes:
        edits.update(dict.fromkeys(_additions(tree, one)))
    new = apply_edits(text, edits)
    _verify(tree, changes, new)
    return new, tuple(sorted(edits))


def remove(text: str, changes: Sequence[RemoveKey | RemoveItem]) -> str:
    """Take things out of a text, at most one out of each list or mapping at a time.

    Raises:
        UnreadableError: the text cannot be edited so that it means what it should.
    """
    rest, new = list(changes), text
    for _ in range(ROUNDS_MAX * 8):
        if not rest:
            break
        tree, edits, later = Tree(new), {}, []
        for one in rest:
            parent = tree.find(one.path if isinstance(one, RemoveItem) else one.path[:-1])
            if parent is None or id(parent) in edits:
                later.append(one)
            else:
                edits[id(parent)] = _removal(tree, parent, one)
        if not edits:  # an alias made one removal of two
            break
        new, rest = apply_edits(new, set(edits.values())), later
    _verify(Tree(text), changes, new)
    return new


def _verify(tree: Tree, changes: Sequence[Change], new: str) -> None:
    meant = copy.deepcopy(tree.plain)
    for one in changes:
        _apply(meant, one)
    try:
        found = Tree(new).plain
    except UnreadableError as error:
        raise UnreadableError(f"its layout cannot be edited safely ({error})") from error
    if found != meant:
        raise UnreadableError(
            "its layout cannot be edited safely: anchors or merge keys share what is to be changed"
        )


def _apply(plain: Any, one: Change) -> None:
    """Make the change on plain values."""
    *above, last = one.path or ("",)
    holder = plain
    for part in above:
        holder = holder[part]
    match one:
        case AddKeys(path=path, entries=entries):
            found = _filled(holder, last) if path else plain
            found.update(copy.deepcopy(dict(entries)))
        case Prepend(items=items):
            holder[last][:0] = list(items)
        case Widen(key=key, items=items):
            holder[key] = [*items, holder.pop(last)]
        case SetValue(value=value):
            holder[last] = value
        case RemoveKey():
            del holder[last]
        case RemoveItem(item=item):
            holder[last].remove(item)


def _filled(holder: Any, key: str | int) -> Any:
    if holder[key] is None:
        holder[key] = {}
    return holder[key]


def _additions(tree: Tree, one: Change) -> list[Edit]:
    node = tree.find(one.path)
    if node is None:
        raise UnreadableError(f"nothing stands at {'.'.join(map(str, one.path))}")
    match one:
        case AddKeys():
            return [_add_keys(tree, node, one)]
        case Prepend(items=items):
            return [_prepend(tree, node, one.path, items)]
        case Widen(key=key, items=items):
            return _widen(tree, one.path, key, items)
        case SetValue(path=path, value=value):
            return [_set_value(tree, node, path, value)]
    raise AssertionError(one)


def _add_keys(tree: Tree, node: Node, one: AddKeys) -> Edit:
    text = tree.text
    entries = [f"{flow(key)}: {flow(value)}" for key, value in one.entries]
    start, end = _span(node)
    if isinstance(node, ScalarNode):  # nothing, or null in one of its spellings
        lead = "" if text[start - 1 : start].isspace() else " "
        return Edit(start, end, f"{lead}{{{', '.join(entries)}}}")
    if not isinstance(node, MappingNode):
        raise UnreadableError(f"no mapping stands at {'.'.join(map(str, one.path))}")
    if node.flow_style:
        brace = text.index("{", start) + 1
        return Edit(brace, brace, ", ".join(entries) + (", " if node.value else ""))
    first = node.value[0][0].start_mark
    owner = tree.owner(node)
    at = _line_start(text, first.index) if owner is None else _next_line(text, _span(owner)[1])
    lines = [f"# {one.comment}", *entries] if one.comment else entries
    return Edit(at, at, "".join(f"{' ' * first.column}{line}{_eol(text)}" for line in lines))


def _prepend(tree: Tree, node: Node, path: Path, items: tuple[str, ...]) -> Edit:
    parent, key = _parent(tree, path)
    alias = tree.alias(parent, key)
    text = tree.text
    if alias is not None:
        plain: Any = tree.plain
        for part in path:
            plain = plain[part]
        return Edit(alias.start, alias.end, flow([*items, *plain]))
    start, _ = _span(node)
    if not isinstance(node, SequenceNode):
        raise UnreadableError(f"no list stands at {'.'.join(map(str, path))}")
    if node.flow_style:
        bracket = text.index("[", start) + 1
        words = ", ".join(map(flow, items))
        return Edit(bracket, bracket, words + (", " if node.value else ""))
    dash = text.rindex("-", 0, _span(node.value[0])[0])
    at = _line_start(text, dash)
    lines = (f"{text[at:dash]}- {flow(item)}{_eol(text)}" for item in items)
    return Edit(at, at, "".join(lines))


def _widen(tree: Tree, path: Path, key: str, items: tuple[str, ...]) -> list[Edit]:
    parent, old = _parent(tree, path)
    value = tree.find(path)
    assert isinstance(value, ScalarNode)
    span = tree.alias(parent, old) or _span(value)
    plain: Any = tree.plain
    for part in path:
        plain = plain[part]
    return [Edit(*_span(old), key), Edit(span[0], span[1], flow([*items, plain]))]


def _set_value(tree: Tree, node: Node, path: Path, value: str | int) -> Edit:
    if not isinstance(node, ScalarNode):
        raise UnreadableError(f"no plain value stands at {'.'.join(map(str, path))}")
    parent, key = _parent(tree, path)
    span = tree.alias(parent, key) or _span(node)
    lead = "" if tree.text[span[0] - 1 : span[0]].isspace() else " "
    return Edit(span[0], span[1], lead + flow(value))


def _removal(tree: Tree, parent: Node, one: RemoveKey | RemoveItem) -> Edit:
    """Cut one entry out of a mapping or sequence, with its line or its comma."""
    places, which = _places(tree, parent, one)
    start, end = places[which]
    text = tree.text
    if not _is_flow(parent):
        if len(places) == 1 and tree.owner(parent) is not None:
            return _emptied(text, parent, start, end)
        return Edit(_line_start(text, start), _next_line(text, end), "")
    if which + 1 < len(places):
        return Edit(start, places[which + 1].start, "")
    return Edit(places[which - 1].end if which else start, end, "")


def _places(tree: Tree, parent: Node, one: RemoveKey | RemoveItem) -> tuple[list[Span], int]:
    """Give where a node's entries stand, and which of them is meant."""
    places: list[Span] = []
    which = 0
    if isinstance(parent, MappingNode):
        for number, (key, key_node, value) in enumerate(tree.entries(parent)):
            alias = tree.alias(parent, key_node)
            places.append(Span(_span(key_node)[0], alias.end if alias else _tail(tree, value)))
            if key == one.path[-1]:
                which = number
    else:
        assert isinstance(one, RemoveItem)
        for number, item in enumerate(parent.value):
            places.append(_span(item))
            if isinstance(item, ScalarNode) and item.value == one.item:
                which = number
    return places, which


def _emptied(text: str, parent: Node, start: int, end: int) -> Edit:
    """Cut the only entry out of a block: nothing would be null, so it is said to be empty."""
    if isinstance(parent, MappingNode):
        return Edit(start, end, "{}")
    return Edit(text.rindex("-", 0, start), end, "  []")  # further in than its key


def _parent(tree: Tree, path: Path) -> tuple[Node, Node]:
    """Give the mapping that holds the last key of a path, and that key's node."""
    parent = tree.find(path[:-1])
    if parent is not None:
        for name, key, _ in tree.entries(parent):
            if name == path[-1]:
                return parent, key
    raise UnreadableError(f"nothing stands at {'.'.join(map(str, path))}")


def _span(node: Node) -> Span:
    return Span(node.start_mark.index, node.end_mark.index)


def _tail(tree: Tree, node: Node) -> int:
    """Where a value ends; the mark of a block's end lies behind comments and empty lines."""
    if isinstance(node, ScalarNode) or _is_flow(node) or not node.value:
        return _span(node)[1]
    last = node.value[-1]
    if isinstance(node, SequenceNode):
        return _tail(tree, last)
    alias = tree.alias(node, last[0])
    return alias.end if alias else _tail(tree, last[1])


def _is_flow(node: Node) -> bool:
    return isinstance(node, MappingNode | SequenceNode) and bool(node.flow_style)


def _line_start(text: str, at: int) -> int:
    start = text.rfind("\n", 0, at) + 1
    return start + 1 if text[start:at].startswith("\ufeff") else start


def _next_line(text: str, at: int) -> int:
    return text.find("\n", at) + 1 or len(text)


def _eol(text: str) -> str:
    end = text.find("\n")
    return "\r\n" if end > 0 and text[end - 1] == "\r" else "\n"
