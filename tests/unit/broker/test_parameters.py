"""From settings to parameters; what a broker makes of them is in tests/e2e/test_broker_tls.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pika
import pytest

from plugin.broker.parameters import connection_parameters
from plugin.errors import SettingsError
from tests.certificates import Pair, authority, locked, signed

if TYPE_CHECKING:
    pass

SECRET = "s3cret-word"  # noqa: S105 - looked for, nobody's


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return authority(tmp_path_factory.mktemp("pki"))


@pytest.mark.parametrize(
    ("url", "host", "port", "vhost"),
    [
        ("amqp://broker", "broker", 5672, "/"),
        ("amqp://broker/", "broker", 5672, "/"),
        ("amqps://broker:1", "broker", 1, "/"),
        ("amqps://broker/%2F", "broker", 5671, "/"),
        ("amqp://[fd00::1]:99/a%2Fb", "fd00::1", 99, "a/b"),
    ],
)
def test_an_address_is_taken_apart(url: str, host: str, port: int, vhost: str) -> None:
    found = connection_parameters(url)
    assert (found.host, found.port, found.virtual_host) == (host, port, vhost)
    assert (found.ssl_options is not None) == url.startswith("amqps")
    assert found.connection_attempts == 1


def test_the_password_is_seen_nowhere() -> None:
    found = connection_parameters("amqp://h", user="u", password=SECRET, heartbeat=7)
    assert isinstance(found.credentials, pika.PlainCredentials)
    assert (found.credentials.username, found.credentials.password) == ("u", SECRET)
    assert found.heartbeat == 7
    assert SECRET not in f"{found!r}{found}{found.credentials!r}{found.credentials}"


def test_tls_checks_the_name_and_shows_our_certificate(ca: Pair) -> None:
    ours = signed(ca, "ours")
    found = connection_parameters("amqps://h", ca=ca.cert, cert=ours.cert, key=ours.key)
    options = found.ssl_options
    assert options is not None
    assert options.server_hostname == "h"
    assert options.context.check_hostname
    assert options.context.verify_mode.name == "CERT_REQUIRED"
    assert len(options.context.get_ca_certs()) == 1


@pytest.mark.parametrize(
    "url",
    ["", "broker:5672", "http://b", "amqp://", "amqp://b:0", "amqp://b:99999", "amqp://b/a/b",
     "amqp://b/?heartbeat=1", "amqp://[b", f"amqp://u:{SECRET}@b"],
)  # fmt: skip
def test_what_is_no_address_of_a_broker_is_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^broker\.url: ") as caught:
        connection_parameters(url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"user": "u"}, "broker.user: has no broker.password"),
        ({"password": SECRET}, "broker.password: whose"),
        ({"ca": "none"}, "broker.ca: .*none: No such file"),
        ({"ca": "text"}, "broker.ca: .*text: no certificate in PEM"),
        ({"key": "ours.key"}, "broker.key: the key of which certificate"),
        ({"cert": "none", "key": "ours.key"}, "broker.cert: .*none: No such file"),
        ({"cert": "ours.key", "key": "ours.key"}, "broker.cert: .*no certificate"),
        ({"cert": "ours.pem", "key": "none"}, "broker.key: .*none: No such file"),
        ({"cert": "ours.pem", "key": "empty"}, "broker.key: .*empty: no key in PEM"),
        ({"cert": "ours.pem"}, "broker.key: .*ours.pem: no key in PEM"),
        ({"cert": "ours.pem", "key": "ours.locked"}, "one with a passphrase"),
        ({"cert": "ours.pem", "key": "ca.key"}, "the key of another certificate"),
    ],
)
def test_each_mistake_is_named(ca: Pair, settings: dict[str, str], words: str) -> None:
    folder = ca.cert.parent
    if not (folder / "ours.locked").exists():
        locked(signed(ca, "ours"), SECRET)
        (folder / "text").write_text("some text")
        (folder / "empty").touch()
        (folder / "bytes").write_bytes(b"\xff\xfe")
    plain = {"user", "password"}
    given: dict[str, Any] = {k: v if k in plain else folder / v for k, v in settings.items()}
    with pytest.raises(SettingsError, match=words) as caught:
        connection_parameters("amqps://h", **given)
    assert SECRET not in str(caught.value)


def test_all_mistakes_are_told_at_once_and_certificates_want_tls(ca: Pair) -> None:
    with pytest.raises(SettingsError) as caught:
        connection_parameters("amqp://h", user="u", ca=ca.cert)
    assert len(caught.value.problems) == 2
    assert "amqps://" in str(caught.value)
