"""Somebody pretends to be another device, and misbehaves in its name: the other one is not hit."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.engine import events as ev
from plugin.ml.verdict import relay_reason
from plugin.policy import cases as told
from tests.besieged import (
    ATTACKER,
    ATTACKER_PORT,
    CLIENT,
    CLIENT_PORT,
    SERVER,
    SERVER_PORT,
    Besieged,
    scanners,
)
from tests.playbook import START, role, verdict

PROTECTED = f"protect: {{macs: ['{SERVER}']}}"
FAUCETS_OWN = "0e:00:00:00:00:01"


def site(head: str = "", more: str = "") -> Besieged:
    one = Besieged(scanners(head, more)).peopled()
    one.hear(SERVER, SERVER_PORT, address="10.0.0.10")
    one.hear(CLIENT, CLIENT_PORT, address="10.0.0.20")
    one.wait(300)
    return one


def in_turn(one: Besieged, times: int, seconds: float) -> None:
    """The attacker and the server speak in turn."""
    for _ in range(times):
        one.hear(SERVER, ATTACKER_PORT)
        one.wait(seconds / 2, seconds / 2)
        one.hear(SERVER, SERVER_PORT)
        one.wait(seconds / 2, seconds / 2)


def test_the_attack_is_one() -> None:
    one = site()
    one.hear(ATTACKER)
    one.wait(5)
    one.scan(ATTACKER)
    assert one.isolated() == [ATTACKER]


@pytest.mark.parametrize("head", ["", PROTECTED], ids=["unprotected", "protected"])
@pytest.mark.parametrize("seconds", [1.0, 7.0, 19.0])
def test_a_server_that_speaks_is_not_isolated_for_who_scans_with_its_address(
    head: str, seconds: float
) -> None:
    one = site(head)
    for _ in range(6):
        in_turn(one, 3, seconds)
        one.scan(SERVER)
        one.hear(SERVER, ATTACKER_PORT)
        one.scan(SERVER)
        assert one.isolated() == []
    assert "twice" in one.alarms(SERVER)
    one.wait(700)  # until all is forgotten
    assert one.isolated() == []


def test_the_first_frames_of_a_spoofer_do_not_suffice() -> None:
    one = site()
    one.hear(SERVER, ATTACKER_PORT)  # the server is silent just now
    one.wait(5)
    one.scan(SERVER)
    assert one.isolated() == []
    assert "spoofed" in one.alarms(SERVER)
    one.hear(SERVER, SERVER_PORT)
    one.wait(5)
    one.hear(SERVER, ATTACKER_PORT)
    one.wait(700)
    assert one.isolated() == []
    assert "twice" in one.alarms(SERVER)


def test_who_only_moved_and_goes_on_is_isolated_a_minute_later_where_it_is() -> None:
    """Else a socket is all that an attacker needs: the guard above delays, and no more."""
    one = site()
    one.hear(ATTACKER, SERVER_PORT)
    one.wait(100)
    one.hear(ATTACKER, ATTACKER_PORT)
    one.wait(5)
    one.scan(ATTACKER)
    assert one.isolated() == []
    one.wait(65)
    assert one.isolated() == [ATTACKER]


def test_a_person_may_order_what_a_rule_may_not_yet() -> None:
    one = site()
    one.hear(SERVER, ATTACKER_PORT)
    order = told.Ordered(SERVER, one_block(), 60.0, "ann", "it is the intruder, I see him")
    one.order(order)
    assert one.isolated() == [SERVER]


def one_block() -> Any:
    from plugin.actions import Action

    return Action(kind="block")


def test_with_a_delay_the_end_of_the_delay_is_guarded_too() -> None:
    one = site(more=", delay: 30s")
    one.scan(SERVER)
    assert one.isolated() == []
    one.wait(28)
    one.hear(SERVER, ATTACKER_PORT)
    one.wait(10)
    assert one.isolated() == []
    assert "spoofed" in one.alarms(SERVER)


def test_who_spoofs_before_the_server_speaks_is_stopped_and_a_protected_server_never_is() -> None:
    for head, isolated in (("", [SERVER]), (PROTECTED, [])):
        one = Besieged(scanners(head)).peopled()
        one.hear(SERVER, ATTACKER_PORT)
        one.wait(100)
        one.scan(SERVER)
        assert one.isolated() == isolated
        in_turn(one, 4, 4.0)  # the server comes up
        assert one.isolated() == isolated
        assert "twice" in one.alarms(SERVER)  # whoever reads it can release


def test_the_gateway_is_not_isolated_for_who_pretends_to_be_it() -> None:
    one = site()
    relay = role("undetermined")._replace(reason=relay_reason(1, 30))
    one.tell(ev.Judged("gw.pcap", verdict(SERVER, role=relay), None))
    one.hear(SERVER, ATTACKER_PORT)
    for n in range(20):  # what the attacker sends looks like any computer
        one.wait(30)
        one.tell(ev.Judged(f"{n}.pcap", verdict(SERVER, end=one.now - START), None))
        one.scan(SERVER)
    assert one.isolated() == []
    assert "protected" in one.alarms(SERVER)


def test_faucets_own_address_is_never_isolated() -> None:
    one = site()
    one.hear(FAUCETS_OWN)
    one.wait(100)
    one.scan(FAUCETS_OWN)
    assert one.isolated() == []
    assert "protected" in one.alarms(FAUCETS_OWN)


def test_a_spoofed_address_at_the_port_of_an_isolated_one_does_not_take_its_owner_in() -> None:
    """With ``scope: port`` who is isolated need only send as the server to have it isolated too."""
    one = site(more=", scope: port")
    one.hear(ATTACKER)
    one.wait(100)
    one.scan(ATTACKER)
    assert one.isolated() == [ATTACKER]
    one.hear(SERVER, ATTACKER_PORT)
    assert one.isolated() == [ATTACKER]
    one.hear(SERVER, SERVER_PORT)
    one.wait(700)
    assert one.isolated() == [ATTACKER]


def test_who_claims_a_protected_address_is_told() -> None:
    one = site("protect: {networks: [10.0.0.10/32]}")
    one.hear(ATTACKER, address="10.0.0.10")
    one.wait(100)
    one.scan(ATTACKER)
    assert one.isolated() == []  # the price of protecting by address: said in docs/policy.md
    assert "protected" in one.alarms(ATTACKER)
