"""The errors that Halia raises on purpose, as one tree.

::

    HaliaError                  never raised itself
    ├── InputError              what was given is wrong                    exit code 2
    │   ├── CaptureError        a capture that cannot be read
    │   ├── OptionError         an option or a command of the command line
    │   ├── SettingsError       halia.yaml, a HALIA_ variable
    │   │   ├── TopologyError   a lab's topology
    │   │   └── PolicyError     a policy, its samples, a subject to try it on
    │   ├── ModelError          a model that is missing, damaged or not for this use
    │   ├── FaucetFileError     a faucet.yaml that cannot be edited, or that Faucet refuses
    │   ├── DatasetError        training material: folders, labels.csv, sources.csv
    │   └── OutputError         an output that exists, is an input, or cannot be written
    ├── PeerError               another program or machine does not answer  exit code 3
    │   └── LabError            a lab that cannot be made here, or is not up
    └── DeniedError             whoever asks may not                        exit code 4

All of them mean *theirs*: something outside Halia is not as it should be. A mistake of
ours is no HaliaError: it is an assertion or a builtin exception and ends with a traceback.
An error's text is one line that names what, where, why, and what to do about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


NAME_MAX = 80
"""Characters of an unknown name that are compared with known ones."""


def printable(text: str) -> str:
    """Make foreign text safe for one line of a terminal.

    File names and captured bytes may hold newlines and escape sequences; those come out
    as Python escapes, so that they can neither move the cursor nor forge a second line.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def install_extra(name: str) -> str:
    """How to install one of Halia's extras, as advice."""
    return f"pip install 'halia[{name}]' (in a checkout: pip install '.[{name}]')"


def nearest(name: str, known: Collection[str]) -> str:
    """Say which known name an unknown one is near to, as a clause for the message."""
    import difflib

    # The clipping is for time: a name of a megabyte would be compared for minutes.
    near = difflib.get_close_matches(name[:NAME_MAX], sorted(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(sorted(known))}"


class HaliaError(Exception):
    """The root of the tree; raise one of its children.

    Args:
        reason: why it failed, in words for the person who runs the command.
        where: the file, option, setting or peer that it is about.
        offset: the byte position in that file, where there is one.
        advice: what to do about it.
    """

    exit_code = 2

    def __init__(
        self,
        reason: str,
        *,
        where: str | None = None,
        offset: int | None = None,
        advice: str | None = None,
    ) -> None:
        if type(self) is HaliaError:
            raise TypeError("HaliaError is the root of a tree: raise one of its children")
        self.reason = reason
        self.where = where
        self.offset = offset
        self.advice = advice
        super().__init__(reason)

    def __str__(self) -> str:
        """One line: ``where: byte N: reason; advice``."""
        parts = [] if self.where is None else [self.where]
        if self.offset is not None:
            parts.append(f"byte {self.offset}")
        parts.append(self.reason if self.advice is None else f"{self.reason}; {self.advice}")
        return printable(": ".join(parts))


class InputError(HaliaError):
    """What was given is wrong: a file, an option, a setting."""


class CaptureError(InputError):
    """A capture that cannot be read at all."""


class OptionError(InputError):
    """A command line that cannot be carried out as it stands."""


class ModelError(InputError):
    """A model that is missing, damaged, or made for other features."""


class FaucetFileError(InputError):
    """A faucet.yaml that cannot be read or edited, or that Faucet's own parser refuses."""


class DatasetError(InputError):
    """Training material that does not hold what it must."""


class OutputError(InputError):
    """An output that exists already, is an input too, or cannot be written."""


class SettingsError(InputError):
    """Settings that are wrong: all problems of one load, a line each.

    Args:
        problems: each ``place: what is wrong``, in the order of the file.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))

    def __str__(self) -> str:
        """One line for each problem (the only error with more than one line)."""
        return "\n".join(printable(p) for p in self.problems)


class TopologyError(SettingsError):
    """A lab's topology that is wrong: all its problems, a line each."""


class PolicyError(SettingsError):
    """A policy, its samples or a subject that is wrong: all its problems, a line each."""


class PeerError(HaliaError):
    """Another program or machine that does not answer."""

    exit_code = 3


class LabError(PeerError):
    """A lab that cannot be made here, or is not up, or does not answer."""


class DeniedError(HaliaError):
    """Whoever asks may not: the answer is no."""

    exit_code = 4
