"""Broker and database as the doctor finds them; both are real."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pika", reason="pika (extra live) is not installed")

import pika

from plugin.offline.doctor import peers
from plugin.offline.doctor.account import account_of
from plugin.offline.doctor.check import State
from tests import rabbit
from tests.doctors import wanted
from tests.services import open_folder

OK, _, FAILED, SKIPPED = State


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rabbit.Broker]:
    with rabbit.broker(tmp_path_factory.mktemp("broker")) as one:
        yield one


def url_of(running: rabbit.Broker) -> str:
    return f"amqp://127.0.0.1:{running.port}"


def test_a_broker(tmp_path: Path, running: rabbit.Broker) -> None:
    settings = wanted(tmp_path, broker__url=url_of(running))
    found = peers.broker(settings)
    assert found.state is OK
    assert "lets us in; to be declared: " in found.what
    again = peers.broker(settings)
    assert again == found, "nothing was declared by looking"
    parameters = pika.URLParameters(running.url)
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        for name in found.what.rpartition(": ")[2].split(", "):
            channel.exchange_declare(name, "topic")
    assert peers.broker(settings).what.endswith("has the exchanges")


def test_a_login_that_is_refused(tmp_path: Path, running: rabbit.Broker) -> None:
    login = {"broker__user": "ann", "broker__password": "no-good-secret"}
    found = peers.broker(wanted(tmp_path, broker__url=url_of(running), **login))
    assert found.state is FAILED
    assert "refuses the user or the password" in found.what
    assert "no-good-secret" not in str(found)


def test_brokers_that_are_not_there(tmp_path: Path) -> None:
    (port,) = rabbit.free_ports(1)
    found = peers.broker(wanted(tmp_path, broker__url=f"amqp://127.0.0.1:{port}"))
    assert found.state is FAILED
    assert "refused" in found.what
    assert peers.broker(wanted(tmp_path)).state is SKIPPED


def test_a_login_that_cannot_be_read(tmp_path: Path) -> None:
    settings = wanted(
        tmp_path, broker__url="amqp://127.0.0.1", broker__user="ann",
        broker__password_file=tmp_path / "none",
    )  # fmt: skip
    found = peers.broker(settings)
    assert found.state is FAILED
    assert "broker.password_file" in found.what


def test_stores(tmp_path: Path) -> None:
    settings = wanted(tmp_path, run__state=tmp_path)
    found = peers.store(settings, account_of(settings))
    assert found.state is SKIPPED
    assert not (tmp_path / "state.sqlite").exists()
    with sqlite3.connect(tmp_path / "state.sqlite") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    assert peers.store(settings, account_of(settings)).state is OK
    (tmp_path / "state.sqlite").write_bytes(b"this is no database at all" * 99)
    found = peers.store(settings, account_of(settings))
    assert found.state is FAILED
    assert found.remedy


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    (port,) = rabbit.free_ports(1)
    url = f"postgresql://ann:no-good-secret@127.0.0.1:{port}/halia"
    settings = wanted(tmp_path, store__url=url)
    found = peers.store(settings, account_of(settings))
    assert found.state is FAILED
    assert "no-good-secret" not in str(found)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_store_of_another_user_does_not_let_in() -> None:
    with open_folder() as folder:
        file = folder / "state.sqlite"
        sqlite3.connect(file).close()
        file.chmod(0o600)
        settings = wanted(folder, run__state=folder, run__user="nobody")
        found = peers.store(settings, account_of(settings))
        assert (found.state, "does not let nobody in" in found.what) == (FAILED, True)
        own = wanted(folder, run__state=folder)
        assert peers.store(own, account_of(own)).state is OK, "root is let in"
        assert os.geteuid() == 0


def test_channels_of_notices(tmp_path: Path) -> None:
    assert peers.notices(wanted(tmp_path)).state is SKIPPED
    good = peers.notices(wanted(tmp_path, notify__syslog="udp://127.0.0.1:514"))
    assert (good.state, good.what) == (OK, "set up: syslog; nothing was sent to try them")
    secret = tmp_path / "secret"
    settings = wanted(
        tmp_path, notify__webhook_url="https://h.example", notify__webhook_secret_file=secret
    )
    missing = peers.notices(settings)
    assert missing.state is FAILED
    assert "notify.webhook_secret_file" in missing.what
    secret.write_text("short")
    secret.chmod(0o600)
    assert peers.notices(settings).state is FAILED
