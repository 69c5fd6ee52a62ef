"""A YAML document read with its places: every problem is kept with FILE:LINE:COLUMN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from plugin.errors import TopologyError
from plugin.settings import FILE_BYTES_MAX, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_NULL = "tag:yaml.org,2002:null"


class Word(NamedTuple):
    """A text and where it stands."""

    text: str
    place: str


class Document:
    """One YAML text, walked from the top; wrong parts are noted, and read as if absent.

    Args:
        text: the document.
        source: what to call it in problems, such as its file's name.

    Raises:
        TopologyError: it is no YAML at all.
    """

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.problems: list[str] = []
        if len(text) > FILE_BYTES_MAX:
            raise TopologyError(f"{source}: larger than {FILE_BYTES_MAX} bytes: no topology")
        try:
            self.root = yaml.compose(text, Loader=yaml.SafeLoader)
        except RecursionError as error:
            raise TopologyError(f"{source}: nested too deeply") from error
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
            raise TopologyError(f"{place}: {error.problem or error.context}") from error
        except yaml.YAMLError as error:  # characters that no YAML may hold
            raise TopologyError(f"{source}: {' '.join(str(error).split())}") from error

    def place(self, node: Node) -> str:
        """Say where a part stands."""
        return f"{self.source}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"

    def note(self, place: str | Node, what: str, problem: str) -> None:
        """Keep a problem of the part called ``what``."""
        at = place if isinstance(place, str) else self.place(place)
        self.problems.append(f"{at}: {what}: {problem}")

    def finish(self) -> None:
        """Raise all problems at once, if there are any.

        Raises:
            TopologyError: the problems, in the order in which they were found.
        """
        if self.problems:
            raise TopologyError(*self.problems)

    def entries(self, node: Node | None, what: str) -> Iterator[tuple[Word, Node]]:
        """Give the keys and values of a mapping with free names; an absent one has none."""
        if node is None or node.tag == _NULL:
            return
        if not isinstance(node, MappingNode):
            self.note(node, what, "a mapping is expected")
            return
        seen: set[str] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, ScalarNode) else ""
            if not name:
                self.note(key, what, "a key that is no plain text")
            elif name in seen:
                self.note(key, f"{what}.{name}" if what else name, "given twice")
            else:
                seen.add(name)
                yield Word(name, self.place(key)), value

    def fields(self, node: Node | None, what: str, known: Collection[str]) -> dict[str, Node]:
        """Give the values of a mapping whose names are fixed; others are problems."""
        found: dict[str, Node] = {}
        for key, value in self.entries(node, what):
            if key.text in known:
                found[key.text] = value
            else:
                path = f"{what}.{key.text}" if what else key.text
                self.note(key.place, path, f"no such field{nearest(key.text, set(known))}")
        return {name: value for name, value in found.items() if value.tag != _NULL}

    def text(self, node: Node | None, what: str, default: str = "") -> str:
        """Read one plain text."""
        if node is None:
            return default
        if not isinstance(node, ScalarNode) or not node.value:
            self.note(node, what, "a text is expected")
            return default
        value: str = node.value
        return value

    def whole(self, node: Node | None, what: str, span: tuple[int, int], default: int = 0) -> int:
        """Read a whole number within ``span``, both ends allowed; 0x… is hexadecimal."""
        if node is None:
            return default
        text = node.value if isinstance(node, ScalarNode) else ""
        try:
            number = int(text, 0)
        except ValueError:
            number = span[0] - 1
        if not span[0] <= number <= span[1]:
            self.note(node, what, f"a whole number from {span[0]} to {span[1]} is expected")
            return default
        return number

    def number(self, node: Node | None, what: str, default: float) -> float:
        """Read a number above zero."""
        if node is None:
            return default
        try:
            value = float(node.value) if isinstance(node, ScalarNode) else 0.0
        except ValueError:
            value = 0.0
        if not 0.0 < value < float("inf"):
            self.note(node, what, "a number above zero is expected")
            return default
        return value

    def flag(self, node: Node | None, what: str) -> bool:
        """Read true or false; absent is false."""
        if node is None:
            return False
        if node.tag != "tag:yaml.org,2002:bool" or not isinstance(node, ScalarNode):
            self.note(node, what, "true or false is expected")
            return False
        return node.value.lower() in {"true", "yes", "on"}

    def words(self, node: Node | None, what: str) -> tuple[Word, ...]:
        """Read a list of plain texts; a single text is a list of one."""
        if node is None:
            return ()
        items = node.value if isinstance(node, SequenceNode) else [node]
        found = []
        for item in items:
            if isinstance(item, ScalarNode) and item.value:
                found.append(Word(item.value, self.place(item)))
            else:
                self.note(item, what, "a text is expected")
        return tuple(found)

    def plain(self, node: Node | None, what: str) -> Any:
        """Read a part that is another program's, as plain values."""
        if node is None:
            return None
        # A loader of an empty text: a fresh constructor, for nodes that are there already.
        loader = yaml.SafeLoader("")
        try:
            return loader.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError, TypeError) as error:
            self.note(node, what, f"no plain value: {' '.join(str(error).split())}")
            return None
        finally:
            loader.dispose()
