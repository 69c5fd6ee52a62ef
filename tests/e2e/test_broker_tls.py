"""TLS and logins against a real RabbitMQ that wants certificates; what goes wrong is told once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from plugin.broker.message import VERDICT_EXCHANGE, Message
from plugin.broker.parameters import connection_parameters
from plugin.broker.rabbitmq import Publisher
from plugin.broker.spool import Spool
from tests.certificates import Pair, authority, signed
from tests.labs import wait_for
from tests.rabbit import PATIENCE, Broker, broker, free_ports, record_pauses

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "a-s3cret:with@signs"  # noqa: S105 - of a broker that goes with the test
NO_TLS = {"ca": None, "cert": None, "key": None}
MESSAGE = Message(VERDICT_EXCHANGE, "halia.verdict", "1", b"{}")


class Secured(NamedTuple):
    """A broker with TLS, and who may come to it."""

    broker: Broker
    port: int
    ca: Pair
    ours: Pair
    stranger: Pair

    def settings(self) -> dict[str, Any]:
        """What is right."""
        return {
            "url": f"amqps://127.0.0.1:{self.port}",
            "user": "halia",
            "password": PASSWORD,
            "ca": self.ca.cert,
            "cert": self.ours.cert,
            "key": self.ours.key,
        }


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    ca, stranger = authority(folder / "pki"), authority(folder / "other", "stranger")
    server, ours = signed(ca, "server", "IP:127.0.0.1"), signed(ca, "ours")
    (port,) = free_ports(1)
    lines = {
        "listeners.ssl.default": f"127.0.0.1:{port}",
        "ssl_options.cacertfile": ca.cert,
        "ssl_options.certfile": server.cert,
        "ssl_options.keyfile": server.key,
        "ssl_options.verify": "verify_peer",
        "ssl_options.fail_if_no_peer_cert": "true",
        "default_user": "halia",
        "default_pass": PASSWORD,
    }
    text = "".join(f"{name} = {value}\n" for name, value in lines.items())
    with broker(folder / "b", text) as one:
        yield Secured(one, port, ca, ours, stranger)


def test_a_login_over_tls_with_certificates_on_both_sides(secured: Secured, tmp_path: Path) -> None:
    told: list[str] = []
    with Spool(tmp_path) as spool:
        publisher = Publisher(connection_parameters(**secured.settings()), spool, told=told.append)
        publisher.start()
        publisher.publish(MESSAGE)
        assert publisher.stop(PATIENCE) == 0
    assert told == ["verdicts: the broker takes messages"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong-s3cret"}, "it refuses the user or the password"),
        ({"user": "nobody"}, "it refuses the user or the password"),
        ({"url": "amqps://127.0.0.1:{tls}/none"}, "no such virtual host"),
        ({"url": "amqps://localhost:{tls}"}, "certificate is not trusted: Hostname mismatch"),
        ({"ca": "stranger"}, "certificate is not trusted: "),
        ({"ca": None}, "certificate is not trusted: "),
        ({"cert": None, "key": None}, "a certificate of ours wanted?"),
        ({"url": "amqp://127.0.0.1:{tls}", **NO_TLS}, "hung up before any greeting"),
        ({"url": "amqps://127.0.0.1:{plain}"}, "TLS fails: "),
    ],
)
def test_what_is_wrong_is_told_once_while_it_is_tried_again(
    secured: Secured,
    tmp_path: Path,
    change: dict[str, Any],
    words: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    settings = secured.settings() | change
    settings["url"] = settings["url"].format(tls=secured.port, plain=secured.broker.port)
    if settings["ca"] == "stranger":
        settings["ca"] = secured.stranger.cert
    told: list[str] = []
    with Spool(tmp_path) as spool:
        publisher = Publisher(connection_parameters(**settings), spool, told=told.append)
        pauses = record_pauses(publisher)
        publisher.start()
        publisher.publish(MESSAGE)
        wait_for(lambda: len(pauses) >= 3, "three tries", PATIENCE)
        assert publisher.stop(0) == 1
    # A broker that wants a certificate sends an alert and hangs up: either may come first.
    assert len(told) == 1 or (len(told) == 2 and "certificate of ours" in words)
    assert len(set(told)) == len(told)
    for line in told:
        assert line.startswith("verdicts: the broker")
        assert words in line
        assert "s3cret" not in line
    assert pauses[:3] == [1.0, 2.0, 5.0]
    assert capfd.readouterr().err == ""  # nor does pika flood the terminal


def test_a_login_that_is_put_right_at_the_broker_works_without_a_restart(
    secured: Secured, tmp_path: Path
) -> None:
    secured.broker.ctl("add_user", "late", "another")
    secured.broker.ctl("set_permissions", "late", ".*", ".*", ".*")
    settings = secured.settings() | {"user": "late"}
    told: list[str] = []
    with Spool(tmp_path) as spool:
        publisher = Publisher(connection_parameters(**settings), spool, told=told.append)
        pauses = record_pauses(publisher)
        publisher.start()
        publisher.publish(MESSAGE)
        wait_for(lambda: len(pauses) >= 2, "two tries", PATIENCE)
        secured.broker.ctl("change_password", "late", PASSWORD)
        assert publisher.stop(PATIENCE) == 0
    assert ["takes messages" in line for line in told] == [False, True]
