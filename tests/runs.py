"""`halia run` in a lab: started, asked, killed, started again; and who reads what it publishes."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self

from plugin.audit.chain import Entry
from plugin.audit.journal import entries
from plugin.broker.message import POSEIDON_EXCHANGE, VERDICT_EXCHANGE
from plugin.control.client import ask
from plugin.control.protocol import Request
from plugin.errors import PeerError
from plugin.lab.daemons import halia_environment
from tests.checker import environment
from tests.labs import python, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plugin.lab import Lab
    from plugin.lab.running import Running

NIC = "mirror0"
"""Where `halia run` waits for the switch, beside the controller."""
END_SECONDS = 120.0
"""How long a run may take to end: it judges what it has captured."""


def install(lab: Lab, *words: str) -> None:
    """Install the hook, and bring the mirror port's NIC beside the controller."""
    command = [sys.executable, "-m", "plugin", "faucet", "install", str(lab.faucet_yaml)]
    more = ["--faucet", str(environment()), "--yes", "--json", *words]
    done = lab.run(None, [*command, *more], timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["loaded"] is True
    lab.take_collector(NIC)


class HaliaRun:
    """A state folder and its `halia run`, one life after the other.

    Args:
        lab: Where; its hook is installed.
        folder: For state, settings, control socket and what it prints; made here.
        settings: YAML that is merged over what every test needs: groups of settings.
    """

    def __init__(self, lab: Lab, folder: Path, **settings: dict[str, Any]) -> None:
        folder.mkdir()
        self.lab, self.folder = lab, folder
        self.state, self.socket = folder / "state", folder / "halia.sock"
        self.out, self.log = folder / "out", folder / "log"
        self.config = folder / "halia.yaml"
        self.captures, self.journal = self.state / "captures", self.state / "journal"
        self._running: Running | None = None
        self.settings: dict[str, dict[str, Any]] = {
            "run": {"state": str(self.state), "log": "json"},
            "capture": {"iface": NIC, "rotate_time": "5s", "min_free": "1M"},
            "faucet": {
                "config": str(lab.faucet_yaml),
                "socket": str(lab.event_socket),
                "page": lab.prometheus_url,
            },
            "control": {"socket": str(self.socket)},
        }
        for group, values in settings.items():
            self.settings.setdefault(group, {}).update(values)
        self.configure()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._running is not None:
            self.kill()

    def configure(self) -> None:
        """Write the settings (JSON is YAML)."""
        self.config.write_text(json.dumps(self.settings))

    def start(self, *words: str) -> None:
        """Begin a life; its control socket answers when this returns."""
        self._running = self.begin(*words)
        wait_for(self._answers, "a halia run that answers", 60)

    def begin(self, *words: str) -> Running:
        """Start the program, and wait for nothing."""
        env = halia_environment() | {"HALIA_CONFIG": str(self.config), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "plugin", "run", "--json", *words]
        with self.out.open("a") as out, self.log.open("a") as log:
            return self.lab.start(None, command, env=env, stdout=out, stderr=log)

    @property
    def running(self) -> Running:
        assert self._running is not None
        return self._running

    def kill(self) -> None:
        """SIGKILL: no part of it says anything any more."""
        running, self._running = self.running, None
        running.send_signal(signal.SIGKILL)
        running.wait(10)

    def stop(self) -> None:
        """SIGTERM: it finishes, judges and publishes all it has."""
        running, self._running = self.running, None
        running.send_signal(signal.SIGTERM)
        assert running.wait(END_SECONDS) == 0, self.log.read_text()[-3000:]

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let it stand still for as long as the block lasts."""
        self.running.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            # nsenter stands still with its child, and lets it go on when it goes on itself.
            self.running.popen.send_signal(signal.SIGCONT)
            self.running.send_signal(signal.SIGCONT)

    def ask(self, what: str) -> list[dict[str, Any]]:
        return ask(self.socket, Request(id=1, ask=what, arguments={}))

    def status(self) -> dict[str, Any]:
        (document,) = self.ask("status")
        return document

    def said(self, kind: str) -> list[dict[str, Any]]:
        """The lines on standard output of one kind."""
        lines = self.out.read_text().splitlines(keepends=True)
        documents = [json.loads(line) for line in lines if line.endswith("\n")]
        return [one for one in documents if one["kind"] == kind]

    def alarms(self) -> list[str]:
        return [one["alarm"] for one in self.said("alarm")]

    def entries(self, kind: str) -> list[Entry]:
        """The journal's whole entries of one kind; while it runs, as far as they are written."""
        if not self.journal.exists():
            return []
        return [one for one in entries(self.journal) if isinstance(one, Entry) and one.kind == kind]

    def finished(self) -> set[str]:
        """Names of the finished captures."""
        return {path.name for path in self.captures.glob("trace_*.pcap")}

    def verified(self) -> None:
        """`halia audit verify` finds the journal whole."""
        command = [sys.executable, "-m", "plugin", "audit", "verify", str(self.journal)]
        done = self.lab.run(None, command)
        assert done.returncode == 0, done.stdout + done.stderr

    def _answers(self) -> bool:
        code = self.running.poll()
        assert code is None, f"it has ended with {code}: {self.log.read_text()[-3000:]}"
        try:
            return bool(self.status())
        except PeerError:
            return False


CONSUMER = """
    # Reads both exchanges into a queue of its own, and writes down each message before its ack.
    import json, sys, time
    import pika
    url, queue, place, *exchanges = sys.argv[1:]

    def read(out):
        connection = pika.BlockingConnection(pika.URLParameters(url))
        channel = connection.channel()
        channel.queue_declare(queue, durable=True)
        for one in exchanges:
            name, _, durable = one.partition("=")
            channel.exchange_declare(name, "topic", durable=durable == "durable")
            channel.queue_bind(queue, name, "#")

        def take(channel, method, properties, body):
            out.write(json.dumps({"exchange": method.exchange, "key": method.routing_key,
                "id": properties.message_id, "body": body.decode()}) + "\\n")
            out.flush()
            channel.basic_ack(method.delivery_tag)

        channel.basic_consume(queue, take)
        print("bound", flush=True)
        channel.start_consuming()

    with open(place, "a") as out:
        while True:
            try:
                read(out)
            except (pika.exceptions.AMQPError, OSError):
                time.sleep(0.05)
"""


class Received(NamedTuple):
    """A message as a reader got it."""

    exchange: str
    key: str
    id: str
    body: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Consumer:
    """An independent reader in the lab: a durable queue bound to both exchanges."""

    def __init__(self, lab: Lab, folder: Path, queue: str) -> None:
        self._file, self._bound = folder / f"{queue}.received", folder / f"{queue}.bound"
        self._file.touch()
        exchanges = [f"{POSEIDON_EXCHANGE}=", f"{VERDICT_EXCHANGE}=durable"]
        self._out: IO[str] = self._bound.open("w")
        assert lab.amqp_url is not None
        words = [lab.amqp_url, queue, str(self._file), *exchanges]
        self._running = lab.start(None, python(CONSUMER, *words), stdout=self._out)

    def __enter__(self) -> Self:
        self.bound(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._running.stop()
        self._out.close()

    @property
    def times(self) -> int:
        """How often it has bound its queue: Poseidon's exchange dies with the broker."""
        return self._bound.read_text().count("bound")

    def bound(self, times: int) -> None:
        """Wait until it has bound its queue so many times."""
        wait_for(lambda: self.times >= times, "a reader that is bound", 60)

    def messages(self) -> list[Received]:
        lines = self._file.read_text().splitlines(keepends=True)
        return [Received(**json.loads(line)) for line in lines if line.endswith("\n")]

    def verdicts(self) -> Iterator[Received]:
        return (one for one in self.messages() if one.exchange == VERDICT_EXCHANGE)

    def kinds(self, kind: str) -> list[Received]:
        return [one for one in self.verdicts() if one.document.get("kind") == kind]
