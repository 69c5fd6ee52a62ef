from __future__ import annotations

import pytest

from plugin.settings.urls import broker_url, database_url, hide_password, page_url, split_address


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
