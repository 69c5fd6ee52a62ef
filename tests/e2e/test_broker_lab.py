"""Real Faucet, switch and RabbitMQ: we hold Faucet's only socket, and everyone gets its events."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from plugin.lab.lab import Lab
from plugin.lab.schema import parse_topology
from tests.labs import CONTROLLER, QUIET, need_lab, python, wait_for

if TYPE_CHECKING:
    from pathlib import Path

RELAY = """
    # Stands between Faucet's socket and its reader, and writes down what passes.
    import contextlib, socket, sys
    place, own, record = sys.argv[1:]
    server = socket.socket(socket.AF_UNIX)
    server.bind(own)
    server.listen()
    print("ready", flush=True)
    reader = server.accept()[0]
    faucet = socket.socket(socket.AF_UNIX)
    faucet.connect(place)
    with open(record, "wb", 0) as file, contextlib.suppress(BrokenPipeError):
        while piece := faucet.recv(1 << 16):
            file.write(piece)
            reader.sendall(piece)
"""
EDGE = """
    # Reads the feed, republishes it, and listens as Poseidon does; ends after so many events.
    import json, sys, threading, time
    from pathlib import Path
    import pika
    from plugin.broker.parameters import connection_parameters
    from plugin.broker.rabbitmq import Republisher
    from plugin.faucet.transport import EventSocket

    def declare(channel):
        channel.exchange_declare("topic_recs", "topic")
        channel.queue_declare("poseidon_main", durable=True)
        channel.queue_bind("poseidon_main", "topic_recs", "FAUCET.Event.#")

    place, url = sys.argv[1:]
    parameters = connection_parameters(url)
    poseidon = pika.BlockingConnection(parameters)
    declare(poseidon.channel())
    republisher = Republisher(parameters)
    republisher.start()
    items = []
    source = EventSocket(Path(place), items.append, raw=republisher.publish)
    reading = threading.Thread(target=source.run)
    reading.start()
    print("ready", flush=True)
    wanted = int(sys.stdin.readline())
    while source.feed.events < wanted:
        time.sleep(0.05)
    source.stop()
    reading.join()
    left = republisher.stop(30)
    channel = poseidon.channel()
    bodies = []
    while (found := channel.basic_get("poseidon_main", auto_ack=True))[0] is not None:
        bodies.append(found[2].decode())
    print(json.dumps({"bodies": bodies, "left": left, "events": source.feed.events,
                      "kinds": sorted({type(item).__name__ for item in items})}))
"""


def test_each_event_of_faucet_reaches_poseidon_byte_for_byte(tmp_path: Path) -> None:
    need_lab(rabbit=True)
    record, own = tmp_path / "record", tmp_path / "own.sock"
    pipe = subprocess.PIPE
    with Lab(
        parse_topology(QUIET), controller=CONTROLLER, rabbit=True, folder=tmp_path / "lab"
    ) as lab:
        assert lab.amqp_url is not None
        url = lab.amqp_url.replace("guest:guest@", "")
        relay = python(RELAY, str(lab.event_socket), str(own), str(record))
        edge = python(EDGE, str(own), url)
        with lab.start(None, relay, stdout=pipe) as one:
            assert one.popen.stdout is not None
            assert one.popen.stdout.readline() == "ready\n"
            with lab.start(None, edge, stdin=pipe, stdout=pipe) as other:
                assert other.popen.stdout is not None
                assert other.popen.stdout.readline() == "ready\n"
                for host, address in (("h1", "10.0.0.12"), ("m1", "10.0.0.14")):
                    lab.run(host, ["ping", "-nc1", "-W5", address]).check_returncode()
                lab.reload()
                lab.run("m2", ["ping", "-nc1", "-W5", "10.0.0.11"]).check_returncode()
                wait_for(lambda: record.read_bytes().count(b"L2_LEARN") >= 4, "four hosts")
                count = record.read_bytes().count(b"\n")
                found = json.loads(other.popen.communicate(f"{count}\n", 90)[0])
    written = [row for row in record.read_text().split("\n") if row]
    assert found["left"] == 0
    assert found["events"] == len(found["bodies"]) >= count
    # The reader may have stopped while Faucet wrote on.
    assert found["bodies"] == written[: len(found["bodies"])]
    assert sum("L2_LEARN" in body for body in found["bodies"]) >= 4
    assert "DeviceLearned" in found["kinds"]
    assert "Garbage" not in found["kinds"]
