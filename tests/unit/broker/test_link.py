"""What needs no broker; connections that work are in tests/e2e/test_broker*.py."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NoReturn

import pika

from plugin.broker import link as links
from plugin.broker.link import BACKOFF, EVENTS, POSEIDON, VERDICTS
from plugin.broker.rabbitmq import Publisher
from plugin.broker.ring import Ring
from tests.labs import wait_for
from tests.rabbit import PATIENCE, free_ports, record_pauses

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def away() -> pika.ConnectionParameters:
    """A place where nobody listens."""
    return pika.ConnectionParameters("127.0.0.1", free_ports(1)[0], connection_attempts=1)


def started(told: Callable[[str], None]) -> tuple[Publisher, list[float]]:
    publisher = Publisher(away(), Ring(), told=told)
    pauses = record_pauses(publisher)
    publisher.start()
    return publisher, pauses


def test_it_waits_longer_and_longer_and_tells_once() -> None:
    told: list[str] = []
    publisher, pauses = started(told.append)
    wait_for(lambda: len(pauses) >= 6, "six tries", PATIENCE)
    publisher.stop(0)
    assert tuple(pauses[:6]) == (*BACKOFF[1:], BACKOFF[-1])
    assert told == ["verdicts: the broker cannot be reached: Connection refused"]


def test_a_stopped_one_ends_and_may_be_stopped_again() -> None:
    publisher, _ = started(lambda _: None)
    assert publisher.stop(0) == publisher.stop(0) == 0
    assert not publisher._link._thread.is_alive()


def test_one_that_never_began_can_be_stopped() -> None:
    assert Publisher(away(), Ring()).stop(0) == 0


def test_exchanges_are_declared_as_faucets_adapter_and_poseidon_do() -> None:
    assert EVENTS == ("topic_recs", False)
    assert POSEIDON == ("topic-poseidon-internal", False)
    assert VERDICTS == ("halia", True)


def test_a_machine_that_cannot_even_try_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries: list[None] = []

    def refuse(*_: object, **__: object) -> NoReturn:
        tries.append(None)
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(pika, "SelectConnection", refuse)
    monkeypatch.setattr(links, "BACKOFF", (0.01,))
    told: list[str] = []
    link = links.Link(
        "verdicts", pika.ConnectionParameters(), begin=lambda _: None, told=told.append, up="up"
    )
    link.start()
    wait_for(lambda: len(tries) > 2, "another try")
    link.stop(PATIENCE)
    assert told == ["verdicts: the broker cannot be reached: Too many open files"]
