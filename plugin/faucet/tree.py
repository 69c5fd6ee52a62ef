"""faucet.yaml as a tree that still knows where each part stands in the text. Pure.

Faucet reads YAML 1.2 (ruamel's safe loader); PyYAML, which gives line and column of every node,
is taught 1.2's reading of plain words, so that ``on`` is a name here as it is there.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT_CHARACTERS_MAX = 8 << 20
VALUES_MAX = 1_000_000
"""More values than this come from aliases of aliases, not from a network."""
MERGE = "<<"
Path = tuple["str | int", ...]
"""Keys from the top of the file down."""

_TAG = "tag:yaml.org,2002:"
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_RESERVED = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


class UnreadableError(ValueError):
    """The text is no configuration that can be edited; says why, and in which line."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason if line is None else f"line {line}: {reason}")


class Span(NamedTuple):
    """A piece of the text, by character."""

    start: int
    end: int


class _Loader(yaml.SafeLoader):
    """Composes nodes; remembers which key owns a node and where aliases stand."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # so in PyYAML

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.owners: dict[int, Node] = {}
        self.aliases: dict[tuple[int, int], Span] = {}

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """Compose one node; ``index`` is its key in a mapping, its number in a sequence."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # of PyYAML's stubs
        node: Node | None = super().compose_node(parent, index)
        if isinstance(event, yaml.AliasEvent):
            span = Span(_index(event.start_mark), _index(event.end_mark))
            self.aliases[id(parent), _place(index)] = span
        elif isinstance(index, Node) and node is not None:
            self.owners[id(node)] = index
        return node


def _index(mark: Any) -> int:
    return int(mark.index)


def _place(index: Any) -> int:
    return id(index) if isinstance(index, Node) else int(index or 0)


_FLOAT = (
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9][0-9_]*(?=[eE]))(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)

for _name, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+", "-+0123456789"),
    ("float", _FLOAT, "-+0123456789."),
    ("merge", r"<<", "<"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), list(_first))


class Tree:
    """One parsed file: nodes for editing, plain values for understanding.

    Args:
        text: the whole file, with its own line ends.

    Raises:
        UnreadableError: it is no YAML, no mapping, or names a key twice.
    """

    def __init__(self, text: str) -> None:
        if len(text) > TEXT_CHARACTERS_MAX:
            raise UnreadableError(f"longer than {TEXT_CHARACTERS_MAX} characters")
        self.text = text
        try:
            loader = _Loader(text)
            root = loader.get_single_node()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else None
            raise UnreadableError(str(error.problem or error.context), line) from error
        except yaml.YAMLError as error:
            raise UnreadableError(" ".join(str(error).split())) from error
        except RecursionError as error:
            raise UnreadableError("nested too deeply") from error
        if loader.yaml_version is not None:
            raise UnreadableError("a %YAML directive: Faucet reads such a file otherwise")
        if not isinstance(root, MappingNode):
            raise UnreadableError("the file is no mapping")
        self.root = root
        self._owners, self._aliases = loader.owners, loader.aliases
        self._budget = VALUES_MAX
        self.plain: dict[Any, Any] = self._plain(root, ())

    def entries(self, node: Node) -> Iterator[tuple[Any, Node, Node]]:
        """Give key, key node and value node of a mapping; of anything else nothing."""
        if isinstance(node, MappingNode):
            for key, value in node.value:
                yield scalar(key), key, value

    def find(self, path: Path) -> Node | None:
        """Give the node at a path of keys."""
        node: Node = self.root
        for part in path:
            found = next((value for key, _, value in self.entries(node) if key == part), None)
            if found is None:
                return None
            node = found
        return node

    def value(self, path: Path) -> Any:
        """Give the plain value at a path of keys; None where there is none."""
        found: Any = self.plain
        for part in path:
            found = found.get(part) if isinstance(found, dict) else None
        return found

    def owner(self, node: Node) -> Node | None:
        """Give the key that the node stands under where it is written (not where it is aliased)."""
        return self._owners.get(id(node))

    def alias(self, parent: Node, key: Node) -> Span | None:
        """Tell where a value is only an alias such as ``*name``."""
        return self._aliases.get((id(parent), id(key)))

    def _plain(self, node: Node, above: tuple[int, ...]) -> Any:
        self._budget -= 1
        if self._budget < 0:
            raise UnreadableError("more values than a configuration has")
        if isinstance(node, ScalarNode):
            return scalar(node)
        if id(node) in above:
            raise UnreadableError("an anchor within itself", node.start_mark.line + 1)
        inside = (*above, id(node))
        if isinstance(node, SequenceNode):
            return [self._plain(item, inside) for item in node.value]
        found: dict[Any, Any] = {}
        for key, value in node.value:
            name = scalar(key)
            if name in found:
                raise UnreadableError(f"{name!r} is given twice", key.start_mark.line + 1)
            found[name] = self._plain(value, inside)
        return found


def scalar(node: Node) -> Any:
    """Read one value as Faucet does.

    Raises:
        UnreadableError: a list or mapping stands where one value must.
    """
    line = node.start_mark.line + 1
    if not isinstance(node, ScalarNode):
        raise UnreadableError("a key that is no plain value", line)
    kind, text = node.tag.removeprefix(_TAG), str(node.value)
    try:
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int":
            return _integer(text.replace("_", ""))
        if kind == "float":
            return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError as error:
        raise UnreadableError(f"{text[:40]!r} is no {kind}", line) from error
    return text


def _integer(text: str) -> int:
    unsigned = text.lstrip("+-")
    if unsigned[:2] in {"0b", "0o", "0x"}:
        return int(text, 0)
    return int(text)


def flow(value: Any) -> str:
    """Write a value on one line, in YAML's flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        plain = _PLAIN_NAME.fullmatch(value) and value.lower() not in _RESERVED
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)
