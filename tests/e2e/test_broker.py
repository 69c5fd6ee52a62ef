"""Publishing to a real RabbitMQ: what is kept arrives, whoever is killed meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pika
import pytest
from pika.exchange_type import ExchangeType

from plugin.broker.message import (
    EVENT_EXCHANGE,
    POSEIDON_EXCHANGE,
    VERDICT_EXCHANGE,
    Message,
    poseidon_message,
)
from plugin.broker.rabbitmq import Publisher, Republisher
from plugin.broker.spool import Spool
from tests.labs import wait_for
from tests.rabbit import PATIENCE, Broker, Reader, broker, record_pauses

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "s3cret"  # noqa: S105 - of a broker that goes with the test
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with broker(tmp_path_factory.mktemp("rabbit") / "b") as one:
        yield one


def message(n: int) -> Message:
    return Message(VERDICT_EXCHANGE, "halia.verdict", f"id-{n}", json.dumps({"n": n}).encode())


def test_messages_arrive_in_order_and_are_confirmed(running: Broker, tmp_path: Path) -> None:
    reader = Reader(running, "order")
    with Spool(tmp_path) as spool:
        publisher = Publisher(running.parameters(), spool, window=10)
        publisher.start()

        def work(first: int) -> None:
            for n in range(first, first + 50):
                publisher.publish(message(n))

        threads = [threading.Thread(target=work, args=(k * 100,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert publisher.stop(PATIENCE) == 0
        assert spool.bytes == 0
    ids = [identity for identity, _ in reader.take()]
    assert len(ids) == len(set(ids)) == 200
    for k in range(4):
        own = [i for i in ids if int(i[3:]) // 100 == k]
        assert own == [f"id-{k * 100 + i}" for i in range(50)]
    reader.close()


def test_poseidons_exchange_is_declared_as_poseidon_does(running: Broker, tmp_path: Path) -> None:
    reader = Reader(running, "poseidon", POSEIDON_EXCHANGE)  # durable=False, or it is refused
    document = {"tool": "networkml", "file_path": "trace_1.pcap", "data": ""}
    with Spool(tmp_path) as spool:
        publisher = Publisher(running.parameters(), spool)
        publisher.start()
        publisher.publish(poseidon_message(document))
        assert publisher.stop(PATIENCE) == 0
    ((_, body),) = reader.take()
    assert json.loads(body) == document
    reader.close()


def test_a_killed_broker_loses_nothing(running: Broker, tmp_path: Path) -> None:
    Reader(running, "killed").close()  # the queue stays
    with Spool(tmp_path) as spool:
        publisher = Publisher(running.parameters(), spool, window=50)
        publisher.start()
        for n in range(300):
            publisher.publish(message(n))
            if n == 100:
                running.kill()
        assert publisher.waiting() > 0
        running.start()
        wait_for(lambda: publisher.waiting() == 0, "all confirmed", PATIENCE)
        assert publisher.stop(PATIENCE) == 0
    reader = Reader(running, "killed")
    ids = [identity for identity, _ in reader.take()]
    # At least once: after dropping repeated ids nothing is missing.
    assert set(ids) == {f"id-{n}" for n in range(300)}
    reader.close()


def test_a_broker_killed_while_the_window_is_full_gets_all_of_it_again(
    running: Broker, tmp_path: Path
) -> None:
    Reader(running, "full").close()  # the queue stays
    with Spool(tmp_path) as spool:
        publisher = Publisher(running.parameters(), spool, window=3)
        publisher.start()
        assert publisher.connected.wait(PATIENCE)
        # The broker reads no more, so nearly nothing that is sent now is confirmed.
        running.ctl("eval", "rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []}).")
        for n in range(9):
            publisher.publish(message(n))
        wait_for(lambda: len(publisher._flying) == 3, "a full window", PATIENCE)
        running.kill()
        running.start()
        assert publisher.stop(PATIENCE) == 0
    reader = Reader(running, "full")
    ids = dict.fromkeys(identity for identity, _ in reader.take())  # one may have come twice
    assert list(ids) == [f"id-{n}" for n in range(9)]
    reader.close()


def test_killed_ourselves_we_send_the_rest_at_the_next_start(
    running: Broker, tmp_path: Path
) -> None:
    script = """
import os, sys
from pathlib import Path
from plugin.broker.parameters import connection_parameters
from plugin.broker.rabbitmq import Publisher
from plugin.broker.spool import Spool
from tests.e2e.test_broker import message
publisher = Publisher(connection_parameters(sys.argv[1]), Spool(Path(sys.argv[2])), window=5)
publisher.start()
publisher.connected.wait(60)
for n in range(200):
    publisher.publish(message(n))
os._exit(9)
"""
    reader = Reader(running, "restart")
    done = subprocess.run(
        [sys.executable, "-c", script, running.url, str(tmp_path)], cwd=ROOT, check=False
    )
    assert done.returncode == 9
    with Spool(tmp_path) as spool:
        publisher = Publisher(running.parameters(), spool)
        publisher.start()
        wait_for(publisher.connected.is_set, "a connection", PATIENCE)
        assert publisher.stop(PATIENCE) == 0
    assert {identity for identity, _ in reader.take()} == {f"id-{n}" for n in range(200)}
    reader.close()


def test_what_nobody_is_bound_for_is_confirmed_all_the_same(
    running: Broker, tmp_path: Path
) -> None:
    with Spool(tmp_path) as spool:
        publisher = Publisher(running.parameters(), spool)
        publisher.start()
        publisher.publish(Message(VERDICT_EXCHANGE, "for.nobody", "1", b"{}"))
        assert publisher.stop(PATIENCE) == 0


def test_the_wrong_declaration_of_one_is_told_once_and_waited_out(
    running: Broker, tmp_path: Path
) -> None:
    running.ctl("add_vhost", "otherwise")
    running.ctl("set_permissions", "-p", "otherwise", "guest", ".*", ".*", ".*")
    place = running.parameters("otherwise")
    with pika.BlockingConnection(place) as other, Spool(tmp_path) as spool:
        channel = other.channel()
        channel.exchange_declare(EVENT_EXCHANGE, ExchangeType.topic, durable=True)
        told: list[str] = []
        republisher = Republisher(place, told=told.append)
        pauses = record_pauses(republisher._publisher)
        republisher.start()
        republisher.publish(b'{"version": 1}')
        wait_for(lambda: len(pauses) >= 4, "four tries", PATIENCE)
        assert pauses[:4] == [1.0, 2.0, 5.0, 10.0]
        (line,) = told
        assert "inequivalent arg 'durable' for exchange 'topic_recs'" in line
        assert "delete it there" in line
        # Verdicts have a connection of their own.
        publisher = Publisher(place, spool)
        publisher.start()
        publisher.publish(message(1))
        assert publisher.stop(PATIENCE) == 0
        channel.exchange_delete(EVENT_EXCHANGE)
        assert republisher.stop(PATIENCE) == 0
        assert told[1:] == ["events for others: the broker takes messages"]


def test_a_broker_that_takes_nothing_more_is_told_and_waited_for(
    running: Broker, tmp_path: Path
) -> None:
    told: list[str] = []
    with Spool(tmp_path) as spool:
        publisher = Publisher(running.parameters(), spool, told=told.append)
        publisher.start()
        wait_for(publisher.connected.is_set, "a connection", PATIENCE)
        running.ctl("eval", "rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []}).")
        try:
            publisher.publish(message(1))
            wait_for(lambda: len(told) > 1, "the alarm", PATIENCE)
            assert publisher.waiting() == 1
        finally:
            running.ctl("eval", "rabbit_alarm:clear_alarm({resource_limit, memory, node()}).")
        wait_for(lambda: len(told) > 2, "the end of the alarm", PATIENCE)
        assert publisher.stop(PATIENCE) == 0
    assert told[1] == "verdicts: the broker takes nothing for now: low on memory"
    assert told[2] == "verdicts: the broker takes messages again"


def test_a_user_who_may_not_publish_is_told_once(running: Broker, tmp_path: Path) -> None:
    running.ctl("add_user", "reader", PASSWORD)
    running.ctl("set_permissions", "reader", ".*", "", ".*")
    told: list[str] = []
    with Spool(tmp_path) as spool:
        publisher = Publisher(
            running.parameters(user="reader", password=PASSWORD), spool, told=told.append
        )
        pauses = record_pauses(publisher)
        publisher.start()
        publisher.publish(message(1))
        wait_for(lambda: len(pauses) >= 4, "four tries", PATIENCE)
        assert pauses[:4] == [1.0, 2.0, 5.0, 10.0]
        assert [line.partition(":")[0] for line in told] == ["verdicts", "verdicts"]
        assert "ACCESS_REFUSED" in told[1]
        running.ctl("set_permissions", "reader", ".*", ".*", ".*")
        assert publisher.stop(PATIENCE) == 0
    assert told[2:] == ["verdicts: the broker takes messages"]


def test_a_wrong_password_is_told_without_telling_it(running: Broker, tmp_path: Path) -> None:
    told: list[str] = []
    wrong = running.parameters(user="guest", password=PASSWORD)
    with Spool(tmp_path) as spool:
        publisher = Publisher(wrong, spool, told=told.append)
        publisher.start()
        publisher.publish(message(1))
        wait_for(lambda: told, "a word", PATIENCE)
        assert publisher.stop(0) == 1
    assert "cannot be reached" in told[0]
    assert PASSWORD not in " ".join(told)
