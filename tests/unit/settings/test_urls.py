from __future__ import annotations

import pytest

from plugin.settings.urls import (
    broker_url,
    database_url,
    hide_password,
    mail_address,
    page_url,
    split_address,
    syslog_place,
)


@pytest.mark.parametrize("host", ["a..b", ".a", "a" * 64, f"{'a.' * 126}aa"])
def test_what_no_resolver_takes_is_no_host(host: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        split_address(f"{host}:25")
    with pytest.raises(ValueError, match="HOST:PORT"):
        page_url(f"https://{host}/x")
    assert split_address(f"{'a' * 63}.example.:25")[1] == 25


def test_addresses_are_split() -> None:
    assert split_address("[::1]:80") == ("::1", 80)
    assert split_address("a-b.example:1") == ("a-b.example", 1)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://halia:hunter2@db/halia", "postgresql://halia:***@db/halia"),
        ("postgresql://halia:hun@ter2:x@db/halia", "postgresql://halia:***@db/halia"),
        (
            "mariadb://db/halia?user=a&password=hunter2&b=1",
            "mariadb://db/halia?user=a&password=***&b=1",
        ),
        ("sqlite:////srv/a:b.sqlite", "sqlite:////srv/a:b.sqlite"),
    ],
)
def test_a_database_url_is_whole_but_not_shown_whole(url: str, shown: str) -> None:
    found = database_url(url)
    assert f"{found}" == found == url
    assert hide_password(found) == shown
    assert repr((found,)) == f"({shown!r},)"


@pytest.mark.parametrize("url", ["amqp://a", "amqp://a:1/v", "amqps://[::1]/", "amqp://1.2.3.4:5"])
def test_brokers(url: str) -> None:
    assert broker_url(url) == url
    with pytest.raises(ValueError, match="is expected"):
        page_url(url)


@pytest.mark.parametrize(
    "url",
    ["amqp://a:b:1", "amqp:///v", "amqp://[::1", "amqp://1.2.3.400", "amqp://a/b/c", "amqp://a:0"],
)
def test_what_is_no_broker(url: str) -> None:
    with pytest.raises(ValueError, match=r"amqp://HOST:PORT/VHOST or amqps://… is expected"):
        broker_url(url)


def test_where_syslog_is() -> None:
    for text in ("/dev/log", "udp://log.example:514", "tcp://[::1]:601"):
        assert syslog_place(text) == text
    for text in ("dev/log", "log:514", "tls://log:6514", "udp://log", "udp://log:0", "/a\nb"):
        with pytest.raises(ValueError, match="expected"):
            syslog_place(text)


def test_addresses_of_mail() -> None:
    for text in ("kim@example.org", "a.b+c@localhost", "o'neill@a-b.example"):
        assert mail_address(text) == text
    wrong = ("kim", "@b", "a@", "a b@c", "a@b,c@d", "<a@b>", "a@b\n", "a@b..c", "ü@b", "a@-b;c")
    for text in wrong:
        with pytest.raises(ValueError, match="an e-mail address is expected"):
            mail_address(text)
