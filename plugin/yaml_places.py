"""A YAML document read with its places: every problem is kept with FILE:LINE:COLUMN."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from plugin.errors import SettingsError, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

FILE_BYTES_MAX = 1 << 20
"""A larger file is refused unread: it is something else."""
PROBLEMS_MAX = 1_000
"""Problems that are told at most: a file with more of them is something else."""
_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_QUOTES = re.compile(r"(alias|anchor|handle|directive) (['\"]).*", re.DOTALL)


def is_null(node: Node) -> bool:
    """Whether a part is YAML's null."""
    return bool(node.tag == _NULL)


class Word(NamedTuple):
    """A text and where it stands."""

    text: str
    place: str


def read_limited(
    file: Path, *, error: type[SettingsError] = SettingsError, kind: str = "settings file"
) -> bytes:
    """Read a file that people write, and that is therefore not large.

    Args:
        file: its path.
        error: what to raise.
        kind: what the file ought to be, for the message.

    Raises:
        SettingsError: (or ``error``) it cannot be read, or is too large.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(FILE_BYTES_MAX + 1)
    except OSError as problem:
        raise error(f"{file}: cannot be read: {problem.strerror}") from problem
    if len(content) > FILE_BYTES_MAX:
        raise error(f"{file}: larger than {FILE_BYTES_MAX} bytes: not a {kind}")
    return content


class Document:
    """One YAML text, walked from the top; wrong parts are noted, and read as if absent.

    Args:
        content: the document.
        source: what to call it in problems, such as its file's name.
        error: what to raise.

    Raises:
        SettingsError: (or ``error``) it is no YAML at all.
    """

    def __init__(
        self, content: str | bytes, source: str, error: type[SettingsError] = SettingsError
    ) -> None:
        self.source = source
        self.problems: list[str] = []
        self._error = error
        try:
            self.root = yaml.compose(content, Loader=yaml.SafeLoader)
        except RecursionError as problem:
            raise error(f"{source}: nested too deeply") from problem
        except yaml.MarkedYAMLError as problem:
            mark = problem.problem_mark or problem.context_mark
            place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
            # What YAML quotes of the file may be a password, such as *secret or !secret!; its own
            # error, which has the line, is left off for the same reason.
            text = _QUOTES.sub(r"\1", str(problem.problem or problem.context))
            raise error(f"{place}: {text}") from None
        except (
            yaml.YAMLError
        ) as problem:  # bytes that are no text, characters that no YAML may hold
            raise error(f"{source}: {' '.join(str(problem).split())}") from problem
        except (ValueError, OverflowError) as problem:  # escapes such as \UFFFFFFFF
            raise error(f"{source}: a number or an escape that YAML cannot hold") from problem

    def place(self, node: Node) -> str:
        """Say where a part stands."""
        return f"{self.source}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"

    def note(self, place: str | Node, what: str, problem: str) -> None:
        """Keep a problem of the part called ``what``; empty: of the place as such.

        Raises:
            SettingsError: (or ``error``) there are so many that nobody would read more.
        """
        at = place if isinstance(place, str) else self.place(place)
        self.problems.append(f"{at}: {what}: {problem}" if what else f"{at}: {problem}")
        if len(self.problems) >= PROBLEMS_MAX:
            self.problems.append(f"{self.source}: there may be more")
            self.finish()

    def bound(self, most: int) -> None:
        """Refuse a document that is larger than it looks: aliases make much of a few lines.

        Args:
            most: values that it may have once every alias stands for a copy.

        Raises:
            SettingsError: (or ``error``) it has more, or a part of it contains itself.
        """
        sizes: dict[int, int] = {}
        try:
            size = 0 if self.root is None else self._size(self.root, sizes)
        except RecursionError as problem:
            raise self._error(f"{self.source}: nested too deeply") from problem
        if size > most:
            raise self._error(f"{self.source}: more than {most} values (aliases count as copies)")

    def _size(self, node: Node, sizes: dict[int, int]) -> int:
        """Count the values of a part, each part once; 0 stands for one that is being counted."""
        known = sizes.get(id(node))
        if known == 0:
            raise self._error(f"{self.place(node)}: contains itself")
        if known is None:
            sizes[id(node)], known = 0, 1
            if not isinstance(node, ScalarNode):
                pairs = isinstance(node, MappingNode)
                parts = [p for pair in node.value for p in pair] if pairs else node.value
                known += sum(self._size(part, sizes) for part in parts)
            sizes[id(node)] = known
        return known

    def finish(self) -> None:
        """Raise all problems at once, if there are any.

        Raises:
            SettingsError: (or ``error``) the problems, in the order in which they were found.
        """
        if self.problems:
            raise self._error(*self.problems)

    def entries(self, node: Node | None, what: str) -> Iterator[tuple[Word, Node]]:
        """Give the keys and values of a mapping with free names; an absent one has none."""
        if node is None or is_null(node):
            return
        if not isinstance(node, MappingNode):
            self.note(node, what or "the file", "a mapping is expected")
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

    def fields(
        self, node: Node | None, what: str, known: Collection[str], noun: str = "field"
    ) -> dict[str, Node]:
        """Give the values of a mapping whose names are fixed; others are problems.

        Args:
            node: the mapping; an absent one has no fields, a field that is null is absent.
            what: its path.
            known: the names that it can have.
            noun: what one of them is called.
        """
        found: dict[str, Node] = {}
        for key, value in self.entries(node, what):
            if key.text in known:
                found[key.text] = value
            else:
                path = f"{what}.{key.text}" if what else key.text
                self.note(key.place, path, f"no such {noun}{nearest(key.text, known)}")
        return {name: value for name, value in found.items() if not is_null(value)}

    def texts(
        self, node: Node, what: str, *, many: bool = False
    ) -> list[tuple[str | None, str]] | None:
        """Give a plain value as its text and place, the text None for null.

        Args:
            node: the value.
            what: its path.
            many: whether it may be a list: then its items, and null has none.

        Returns:
            One pair, or one for each item; None (and a problem) if one is no plain value.
        """
        items = node.value if many and isinstance(node, SequenceNode) else [node]
        if many and is_null(node):
            return []
        for item in items:
            if not isinstance(item, ScalarNode):
                self.note(item, what, "one value is expected")
                return None
        return [(None if is_null(item) else item.value, self.place(item)) for item in items]

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
        if node.tag != _BOOL or not isinstance(node, ScalarNode):
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
        except yaml.YAMLError as error:
            self.note(node, what, f"no plain value: {' '.join(str(error).split())}")
        except (ArithmeticError, AttributeError, LookupError, RecursionError) as error:
            # PyYAML's own answers to tags such as !!bool on a text that is none.
            self.note(node, what, f"no plain value: {type(error).__name__}")
        except (ValueError, TypeError) as error:
            self.note(node, what, f"no plain value: {error}")
        finally:
            loader.dispose()
        return None
