"""Faucet's own parser, kept ready in a process of its own: a check takes no start of Python.

Nearly all the time of a check is spent on starting Faucet's checker. Here one process of the same
Python imports the parser once, and then says of one laid-out configuration after another what
:func:`plugin.faucet.check.check` would have said of it. Where that cannot be, the checker itself is
run each time.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugin.errors import PeerError
from plugin.faucet.check import SECONDS, Answer, Checked, check, inside, judged, laid_out

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKS_MOST = 1000
"""Checks of one process: then a new one, whatever the old one may have gathered."""
_PIECE = 1 << 16
_LINE_MOST = 1 << 12
_SCRIPT = """
import sys
sys.path[:] = [place for place in sys.path if place]
import json, logging, os, pprint, signal, traceback
signal.signal(signal.SIGINT, signal.SIG_IGN)
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
from faucet.conf import InvalidConfigError
from faucet.config_parser import dp_parser
from faucet.valve import valve_factory

class Kept(logging.Handler):
    def emit(self, record):
        lines.append(self.format(record))

def parse(root):
    try:
        _, _, dps, _ = dp_parser(root, os.devnull)
        for dp in dps or ():
            valve_factory(dp)
        return dps is not None, ""
    except InvalidConfigError as error:
        return False, pprint.pformat([error])
    except (Exception, SystemExit):
        lines.append(traceback.format_exc())
        return False, ""

lines = []
log = logging.getLogger(os.devnull + ".config")
log.propagate = False
log.setLevel(logging.DEBUG)
log.addHandler(Kept())
print(json.dumps({"ready": True}), file=answers, flush=True)
for line in sys.stdin:
    del lines[:]
    signal.alarm(int(sys.argv[1]))
    accepts, out = parse(json.loads(line))
    signal.alarm(0)
    found = {"accepts": accepts, "out": out, "err": "\\n".join(lines)}
    print(json.dumps(found), file=answers, flush=True)
"""
"""Speaks JSON lines; whatever else is printed goes where nobody reads it."""


class Checking:
    """Checks one configuration after another; used by one thread, closed by any.

    Args:
        checker: Faucet's checker, see :func:`plugin.faucet.check.find_checker`.
        seconds: how long a check, or the start, may take.
    """

    def __init__(self, checker: Path, *, seconds: float = SECONDS) -> None:
        self.checker = checker
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._checked = 0
        self._stamp: int | None = None
        """Of the checker as it was when the process began: it changes when Faucet is renewed."""
        self._alone: int | None = None
        """The stamp of a checker whose parser cannot be kept ready."""
        self._closed, self._busy = threading.Event(), False
        self._lock = threading.Lock()
        """Held to begin and to end the process, never while it works."""

    @property
    def ready(self) -> bool:
        """Whether the parser is imported and waits."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Have the parser ready before it is needed; that it cannot be is no error."""
        with suppress(PeerError):
            self._have()

    def check(self, root: Path, files: Mapping[Path, str]) -> Checked:
        """Have a configuration checked: the verdict is that of :func:`plugin.faucet.check.check`.

        Args:
            root: path of the root file.
            files: texts by path: the root file's, our include's, and the operator's includes'.

        Raises:
            FaucetFileError: there is no room to lay the files out.
            PeerError: nobody can check it, or not in time, or this is closed.
        """
        for _ in range(2):  # a process may have died long ago, of something else
            if not self._have():
                break
            with laid_out(files) as folder:
                answer = self._ask(inside(folder, root))
                if answer is not None:
                    return judged(folder, root, files, answer)
        if self._closed.is_set():
            raise self._error("is closed")
        return check(self.checker, root, files, seconds=self._seconds)

    def close(self) -> None:
        """End the process, also while it works; nothing is checked afterwards."""
        with self._lock:
            self._closed.set()
            if self._busy and self._process is not None:
                self._process.kill()  # who waits for it reads its end, and puts it away
                return
        self._end()

    def _have(self) -> bool:
        """Have a process that is ready; False if the parser cannot be kept so."""
        stamp = _stamp(self.checker)
        if self.ready and (stamp != self._stamp or self._checked >= CHECKS_MOST):
            self._end()
        if self.ready:
            return True
        self._end()
        if self._alone == stamp is not None:
            return False
        python = interpreter(self.checker)
        if python is None or not self._begin(python):
            self._alone = stamp
            return False
        self._stamp, self._checked, self._alone = stamp, 0, None
        return True

    def _begin(self, python: list[str]) -> bool:
        words = [*python, "-c", _SCRIPT, str(int(self._seconds) + 1)]
        with self._lock:
            if self._closed.is_set():
                raise self._error("is closed")
            try:
                self._process = subprocess.Popen(  # noqa: S603  # Faucet's own Python, our script
                    words,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            except OSError:
                return False
        self._rest = b""
        return bool(self._answer() == {"ready": True})

    def _end(self) -> None:
        with self._lock:
            process, self._process = self._process, None
            if process is None:
                return
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(OSError):  # what it was asked in vain is thrown away
                        stream.close()

    def _ask(self, root: Path) -> Answer | None:
        """Give what it says; None if it has died."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(str(root)).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            return None
        found = self._answer()
        self._checked += 1
        try:
            return None if found is None else Answer(**found)
        except TypeError:
            return None

    def _answer(self) -> Any:
        """Give the next line; None if the process has ended, or speaks otherwise.

        Raises:
            PeerError: it hangs, and is ended; or this was closed meanwhile.
        """
        with self._lock:
            if self._closed.is_set():
                raise self._error("is closed")
            self._busy = True
        try:
            return self._line()
        finally:
            with self._lock:
                self._busy = False
            if self._closed.is_set():
                self._end()

    def _line(self) -> Any:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        end = time.monotonic() + self._seconds
        while b"\n" not in self._rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                self._end()
                raise self._error(f"no answer within {self._seconds:g} s")
            piece = os.read(process.stdout.fileno(), _PIECE)
            if not piece:
                self._end()
                if self._closed.is_set():
                    raise self._error("is closed")
                return None
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            return json.loads(line)
        except ValueError:
            self._end()
            return None

    def _error(self, reason: str) -> PeerError:
        return PeerError(reason, where=str(self.checker))


def interpreter(checker: Path) -> list[str] | None:
    """Find the Python that a checker runs on: as its first line says, else the one beside it."""
    try:
        with checker.open("rb") as stream:
            first = os.fsdecode(stream.readline(_LINE_MOST))
    except OSError:
        return None
    words = first.removeprefix("#!").split(maxsplit=1) if first.startswith("#!") else []
    named = [word.strip() for word in words]
    if any(Path(word).name.startswith("python") for word in named):
        return named
    for beside in ("python3", "python"):  # a path too long for a first line is run by a shell
        place = checker.parent / beside
        if os.access(place, os.X_OK):
            return [str(place)]
    return None


def _stamp(checker: Path) -> int | None:
    try:
        return checker.stat().st_mtime_ns
    except OSError:
        return None
