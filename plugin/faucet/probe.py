"""Reading rules back from the switch: what makes *loaded* into *proven*.

The reader (:mod:`plugin.faucet.reader`) is a process of its own, since os-ken is a framework that
wants a program for itself. It needs the extra ``[sdn]``. A switch is given to it as a further
controller beside Faucet: ``ovs-vsctl set-controller BRIDGE tcp:FAUCET:6653 tcp:127.0.0.1:6654``.
"""

from __future__ import annotations

import importlib.util
import json
import select
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from plugin.errors import PeerError
from plugin.faucet.flows import Flow, PortCounters, Query, counters_of, flow_of

if TYPE_CHECKING:
    from collections.abc import Sequence

PORT = 6654
START_SECONDS = 20.0
ANSWER_SECONDS = 10.0
_PIECE = 1 << 20
_READER = "from plugin.faucet.reader import main; main()"
"""Imported, not run as ``-m``: os-ken finds its app by the module's name."""


class Probe:
    """A read-only OpenFlow connection to one or more switches; use it in a ``with`` statement.

    Args:
        host: where switches reach it.
        port: the same.
        switches: ``ADDRESS:PORT`` of switches that wait to be called (``ptcp:`` at Open vSwitch).
        command: what runs the reader, for tests.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = PORT,
        switches: Sequence[str] = (),
        command: Sequence[str] | None = None,
    ) -> None:
        self.place = f"{host}:{port}"
        words = [sys.executable, "-c", _READER, host, str(port), *switches]
        self._command = list(command or words)
        self._needs_library = command is None
        self._process: subprocess.Popen[bytes] | None = None
        self._number = 0
        self._rest = b""

    def __enter__(self) -> Self:
        """Start the reader."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.close()

    def start(self) -> None:
        """Start the reader.

        Raises:
            PeerError: os-ken is not installed, or the port is taken.
        """
        if self._needs_library and importlib.util.find_spec("os_ken") is None:
            raise PeerError(
                "os-ken is not installed, so nothing can be proven at the switch",
                where="probe",
                advice="pip install 'halia[sdn]'",
            )
        try:
            self._process = subprocess.Popen(  # noqa: S603  # our own module
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:  # no memory, no process to be had
            raise self._error(f"cannot be started: {error.strerror}") from error
        try:
            self._answer(0, START_SECONDS)
        except PeerError:
            self.close()
            raise

    def close(self) -> None:
        """End the reader; again is no error."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(OSError):  # what it was asked in vain is thrown away
                        stream.close()

    def datapaths(self) -> tuple[int, ...]:
        """Give the datapaths that are connected and have made us a reader."""
        return tuple(int(d) for d in self._ask({"ask": "datapaths"})["datapaths"])

    def flows(self, query: Query) -> tuple[Flow, ...]:
        """Read flows, with their counters, as they are at the switch now.

        Raises:
            PeerError: the switch is not connected, or does not answer.
        """
        return self._made(flow_of, self._ask({"ask": "flows", **query._asdict()})["flows"])

    def ports(self, dp_id: int) -> tuple[PortCounters, ...]:
        """Read the counters of all ports.

        Raises:
            PeerError: the switch is not connected, or does not answer.
        """
        return self._made(counters_of, self._ask({"ask": "ports", "dp_id": dp_id})["ports"])

    def _made(self, make: Any, documents: list[Any]) -> tuple[Any, ...]:
        try:
            return tuple(make(one) for one in documents)
        except ValueError as error:
            raise self._error(f"answers what no switch says ({error})") from error

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        if self._process is None or self._process.stdin is None:
            raise self._error("is not running")
        self._number += 1
        line = json.dumps({"id": self._number, **question}) + "\n"
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except OSError as error:
            raise self._error("has ended") from error
        return self._answer(self._number, ANSWER_SECONDS)

    def _answer(self, number: int, seconds: float) -> dict[str, Any]:
        """Wait for the answer of that number; older ones, asked for in vain before, are dropped."""
        end = time.monotonic() + seconds
        while True:
            line = self._line(end)
            try:
                answer: dict[str, Any] = json.loads(line)
                found = answer["id"]
            except (ValueError, KeyError, TypeError) as error:
                raise self._error("does not speak our language") from error
            if found == number:
                break
        if "error" in answer:
            raise self._error(str(answer["error"]))
        return answer

    def _line(self, end: float) -> bytes:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        while b"\n" not in self._rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise self._error("does not answer")
            piece = process.stdout.read1(_PIECE)  # type: ignore[attr-defined]  # a BufferedReader
            if not piece:
                raise self._error("has ended")
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _error(self, reason: str) -> PeerError:
        return PeerError(reason, where=f"probe at {self.place}")
