from __future__ import annotations

import pytest

from plugin.actions import COOKIES, ISOLATING, KINDS, Action, Service, parse_action, parse_service
from plugin.faucet.hook import COOKIE_MAX


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("block", Action(kind="block")),
        (" watch ", Action(kind="watch")),
        ("limit:512k", Action(kind="limit", rate=512)),
        ("limit:2M", Action(kind="limit", rate=2_000)),
        ("limit:1g", Action(kind="limit", rate=1_000_000)),
        ("limit:1500", Action(kind="limit", rate=2)),
        ("revlan:jail-2", Action(kind="revlan", vlan="jail-2")),
    ],
)
def test_actions_are_read_as_people_write_them(text: str, action: Action) -> None:
    assert parse_action(text) == action
    assert parse_action(str(action)) == action


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("burn", "no action; known: notify, watch"),
        ("", "no action"),
        ("limit", "needs a rate"),
        ("limit:0", "needs a rate"),
        ("limit:101G", "needs a rate"),
        ("limit:2MB", "needs a rate"),
        ("limit:-1k", "needs a rate"),
        ("revlan", "VLAN's name"),
        ("revlan:a b", "VLAN's name"),
        ("block:now", "nothing after a colon"),
        ("block:", "nothing after a colon"),
    ],
)
def test_what_is_no_action_says_what_is_expected(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_action(text)


@pytest.mark.parametrize(
    ("kind", "address", "service"),
    [
        ("dhcp", None, Service("dhcp")),
        ("dns", "10.0.0.53", Service("dns", "10.0.0.53")),
        ("host", "2001:DB8:0::1", Service("host", "2001:db8::1")),
    ],
)
def test_services_have_one_spelling(kind: str, address: str | None, service: Service) -> None:
    assert parse_service(kind, address) == service


@pytest.mark.parametrize(
    ("kind", "address", "words"),
    [
        ("dhcp", "10.0.0.1", "takes no address"),
        ("dns", None, "needs an IP address"),
        ("host", "server", "needs an IP address"),
        ("host", "10.0.0.0/8", "needs an IP address"),
        ("host", "224.0.0.1", "no host's address"),
        ("dns", "127.0.0.1", "no host's address"),
        ("host", "::", "no host's address"),
        ("host", "fe80::1%eth0", "no host's address"),
        ("all", None, "no service"),
    ],
)
def test_what_is_no_service_says_why(kind: str, address: str | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_service(kind, address)


def test_what_isolates_takes_something_and_has_cookies_that_a_rule_can_carry() -> None:
    assert set(KINDS) - {"notify", "watch"} == ISOLATING
    assert COOKIES[0] == 1
    assert COOKIES[-1] < COOKIE_MAX
