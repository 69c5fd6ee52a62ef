"""The rules of a quarantine: services, drops, the way to the remediation port and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plugin.actions import Isolation, Place, Service
from plugin.faucet.ground import ground
from plugin.faucet.hook import HookRule
from plugin.faucet.quarantine import (
    Piece,
    RefusedError,
    chains_of,
    copies,
    drops,
    homes_of,
    port_of,
    quarantine,
)
from plugin.faucet.reach import Spot
from tests.grounds import DHCP, DNS, HOST, OPERATOR, TEXT, Site, isolation, mac, site

HERE = site()
DENY_5007 = "sw1 port 1 (desk): rule 1 of your ACL op denies a part of it"


def made(where: Site = HERE, *spots: Spot, **more: Any) -> Piece:
    one = isolation("quarantine", **more)
    return quarantine(one, where.ground, chains_of(where.ground), homes_of(spots))


def server(number: int, port: int, *addresses: str, dp: str = "sw1") -> Spot:
    return Spot(mac(number), dp, port, 100, addresses=addresses)


def test_drops_are_at_both_ends_and_copied_in_every_mode() -> None:
    sends, receives = drops(isolation(cookie=7), "word")
    assert sends == HookRule(
        (("dl_src", mac(1)),), allow=False, mirror=True, cookie=7, about="word"
    )
    assert receives == sends._replace(match=(("dl_dst", mac(1)),))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("vlan", False), ("tail", True), ("out", False), ("port", False), ("none", False)],
)
def test_what_passes_is_copied_where_the_tail_would_do_it(mode: Any, expected: bool) -> None:
    assert copies(site(mode=mode).ground) is expected
    assert not copies(replace(HERE.ground, layout=None))


def test_chains_of_the_operator_once_each_with_all_their_ports() -> None:
    assert chains_of(HERE.ground) == ()
    text = TEXT.format(vlan="", port=OPERATOR).replace(
        "2: {native_vlan: office}", "2: {native_vlan: office, acls_in: [op]}"
    )
    more = text.replace("name: remedy,", "name: remedy, acls_in: [other, op],").replace(
        "  op:\n", "  other: [{rule: {dl_type: 0x806, actions: {allow: 0}}}]\n  op:\n"
    )
    one, two = chains_of(site(text=more).ground)
    assert (one.label, [a.name for a in one.acls]) == ("sw1 port 1 (desk)", ["op"])
    assert one.ports == {("sw1", 1), ("sw1", 2)}
    assert (two.label, [a.name for a in two.acls]) == ("sw1 port 6 (remedy)", ["other", "op"])
    # A port that is not hooked has none of our rules.
    unhooked = site(text=more).root.replace("[halia_hook, op]", "[op]")
    assert [c.label for c in chains_of(ground(unhooked, {}, HERE.journal))] == [two.label]


def test_where_a_device_is() -> None:
    assert port_of(isolation(), HERE.ground) == HERE.ground.ports["sw1", 2]
    assert port_of(isolation(place=None), HERE.ground) is None
    assert port_of(isolation(port=99), HERE.ground) is None


def test_without_services_there_are_two_rules() -> None:
    piece = made()
    assert piece.stages.hook() == drops(isolation(), "quarantine")
    assert piece.left_out == ()


def test_the_same_service_twice_is_one_and_shared_rules_stand_once() -> None:
    once = made(allow=(DNS,))
    assert made(allow=(DNS, DNS)).stages == once.stages
    both = made(allow=(DNS, Service("host", "10.0.0.53")))
    matches = [r.match for r in both.stages.services]
    assert len(matches) == len(set(matches)) == 8
    assert both.action.allow == (DNS, Service("host", "10.0.0.53"))


def test_an_acl_at_the_devices_own_port_is_not_asked_about_what_it_is_sent() -> None:
    where = site(port=OPERATOR)
    own = made(where, port=1, allow=(DHCP, DNS, HOST))
    assert own.action.allow == (DHCP, DNS)
    assert own.left_out == (f"host 10.0.0.254: {DENY_5007}",)
    elsewhere = made(where, port=2, allow=(DHCP, DNS, HOST))
    assert elsewhere.left_out == (f"dns 10.0.0.53: {DENY_5007}", f"host 10.0.0.254: {DENY_5007}")
    # Over TCP nothing is denied.
    assert elsewhere.action.allow == (DHCP, DNS)
    assert made(where, place=None, allow=(DNS,)).left_out == elsewhere.left_out[:1]


def test_an_acl_that_stands_at_other_ports_too_is_asked() -> None:
    text = TEXT.format(vlan="", port=OPERATOR).replace(
        "2: {native_vlan: office}", "2: {native_vlan: office, acls_in: [op]}"
    )
    found = made(site(text=text), port=2, allow=(DNS,))
    assert found.left_out == (f"dns 10.0.0.53: {DENY_5007}",)


def test_only_the_acls_between_a_device_and_its_server_are_asked_where_both_are_known() -> None:
    where = site(port=OPERATOR)  # at port 1; the device is at port 2
    assert made(where, server(9, 10, "10.0.0.254"), port=2, allow=(HOST,)).action.allow == (HOST,)
    said = f"host 10.0.0.254: {DENY_5007}"
    for others in (
        (server(9, 1, "10.0.0.254"),),  # the server is behind the ACL
        (server(9, 10, "10.0.0.99"),),  # nobody has heard of the server
        (server(9, 10, "10.0.0.254"), server(8, 11, "10.0.0.254")),  # who of them is it?
        (server(9, 2, "10.0.0.254"),),  # at the device's own port
        (server(9, 1, "10.0.0.254", dp="sw2"),),  # on another switch: by whichever port
        (server(9, 77, "10.0.0.254"),),  # at no port of the operator's files
    ):
        assert made(where, *others, port=2, allow=(HOST,)).left_out == (said,), others
    there = server(9, 10, "10.0.0.254")
    assert made(where, there, port=1, allow=(HOST,)).left_out == (said,)  # the device is behind it
    assert made(where, there, place=None, allow=(HOST,)).left_out == (said,)
    both = (server(9, 10, "10.0.0.254"), server(8, 10, "10.0.0.254"))  # two names for one port
    assert made(where, *both, port=2, allow=(HOST,)).action.allow == (HOST,)


def test_a_server_on_another_switch_may_be_reached_by_any_port() -> None:
    where = site(port=OPERATOR, second=True)
    found = made(where, server(9, 1, "10.0.0.254", dp="sw2"), port=2, allow=(HOST,))
    assert found.left_out == (f"host 10.0.0.254: {DENY_5007}",)


def test_an_acl_at_a_servers_port_that_is_not_hooked_goes_on_by_itself() -> None:
    where = site(port=OPERATOR)
    free = ground(where.root.replace("[halia_hook, op]", "[op]"), {}, where.journal)
    homes = homes_of([server(9, 1, "10.0.0.254")])
    found = quarantine(isolation("quarantine", allow=(HOST,)), free, chains_of(free), homes)
    assert (found.action.allow, found.left_out) == ((HOST,), ())


def test_an_acl_at_a_servers_port_is_asked_about_what_the_server_sends_only() -> None:
    text = TEXT.format(vlan="", port=OPERATOR).replace("udp_dst: 5007", "ipv4_src: 10.0.0.99")
    found = made(site(text=text), server(9, 1, "10.0.0.254"), port=2, allow=(HOST,))
    assert (found.action.allow, found.left_out) == ((HOST,), ())


def test_what_the_server_answers_is_asked_about_at_its_own_port() -> None:
    text = TEXT.format(vlan="", port=OPERATOR).replace("udp_dst: 5007", "udp_src: 53")
    where = site(text=text)
    there = server(9, 1, "10.0.0.53")
    (said,) = made(where, there, port=2, allow=(DNS,)).left_out
    assert said.startswith("dns 10.0.0.53: sw1 port 1 (desk)")
    free = made(where, server(9, 10, "10.0.0.53"), port=2, allow=(DNS,))
    assert free.left_out == ()


def test_the_devices_own_port_is_named_first() -> None:
    text = TEXT.format(vlan="", port=OPERATOR).replace(
        "2: {native_vlan: office}", "2: {native_vlan: office, acls_in: [op]}"
    )
    (said,) = made(site(text=text), port=2, allow=(HOST,)).left_out
    assert said.startswith("host 10.0.0.254: sw1 port 2: rule 1")


def test_services_and_addresses_that_are_none_never_come_into_the_file() -> None:
    bad = Service("host", '10.0.0.1", actions: {allow: 1}}} #')
    piece = made(allow=(bad, DNS))
    assert piece.action.allow == (DNS,)
    assert piece.left_out == (f"host {bad.address}: no host's address",)
    assert piece.stages == made(allow=(DNS,)).stages
    heard = made(redirect=True, allow=(DHCP,), addresses=("fe80::1%x", "*", "10.0.0.11"))
    assert heard.stages == made(redirect=True, allow=(DHCP,), addresses=("10.0.0.11",)).stages


def test_a_redirect_and_the_way_back() -> None:
    piece = made(redirect=True, addresses=("10.0.0.11", "10.0.0.11", "2001:db8::9"))
    sends, receives = piece.stages.redirects
    assert sends.more == (("output", {"ports": [6]}),)
    assert (sends.allow, receives.allow, receives.more) == (False, False, ())
    back, *asked = piece.stages.remediation
    assert back == receives._replace(more=(("output", {"ports": [2]}),), about="")
    assert [dict(r.match).get("arp_tpa") for r in asked] == ["10.0.0.11", None]
    assert all(r.allow and r.more == back.more for r in asked)
    assert piece.stages.drops == ()
    assert piece.action.redirect


@pytest.mark.parametrize(
    ("remedy", "port", "floods"),
    [
        ("native_vlan: cellar", 2, False),
        ("native_vlan: office", 2, True),
        ("native_vlan: 100", 2, True),
        ("native_vlan: lab", 2, False),
        ("native_vlan: lab", 3, True),
        ("native_vlan: cellar, tagged_vlans: [office]", 2, True),
    ],
)
def test_what_is_flooded_at_the_remediation_port_is_sent_on_where_it_does_not_come_anyway(
    remedy: str, port: int, floods: bool
) -> None:
    text = TEXT.format(vlan="", port="").replace("native_vlan: cellar", remedy)
    where = site(text=text)
    vid = {2: 100, 3: 200}[port]
    one = replace(
        isolation("quarantine", redirect=True, addresses=("10.0.0.11",)),
        place=Place("sw1", port, vid),
    )
    piece = quarantine(one, where.ground, (), {})
    assert len(piece.stages.remediation) == (1 if floods else 2)


def test_what_is_flooded_comes_to_a_port_that_was_moved_into_its_vlan() -> None:
    where = site(
        text=TEXT.format(vlan="", port="").replace("native_vlan: cellar", "native_vlan: lab")
    )
    moved = where.ground.ports["sw1", 2]._replace(moved="lab")
    there = replace(where.ground, ports={**where.ground.ports, ("sw1", 2): moved})
    one = isolation(
        "quarantine", redirect=True, addresses=("10.0.0.11",), place=Place("sw1", 2, 200)
    )
    assert len(quarantine(one, there, (), {}).stages.remediation) == 1


def test_redirects_that_no_installation_here_can_do() -> None:
    with pytest.raises(RefusedError, match="no remediation port is installed"):
        made(site(remediation=None), redirect=True)
    with pytest.raises(RefusedError, match="with several datapaths"):
        made(site(second=True), redirect=True)


def test_the_remediation_port_of_another_switch() -> None:
    # Both switches behind one hook: the same numbers would be other ports there.
    elsewhere = replace(HERE.ground, remediation={"sw9": HERE.ground.ports["sw1", 6]})
    piece = quarantine(isolation("quarantine", redirect=True), elsewhere, (), {})
    assert piece.left_out == (
        "redirect: the remediation port is on another switch than sw1 port 2",
    )
    assert piece.stages.drops
    assert not piece.action.redirect


def test_a_moved_port_is_redirected_though_its_vlan_is_another() -> None:
    port = HERE.ground.ports["sw1", 2]._replace(moved="lab")
    there = replace(HERE.ground, ports={**HERE.ground.ports, ("sw1", 2): port})
    one: Isolation = isolation("quarantine", redirect=True, place=Place("sw1", 2, 200))
    assert quarantine(one, there, (), {}).left_out == ()
    assert quarantine(one, HERE.ground, (), {}).left_out == (
        "redirect: the device speaks with a VLAN tag at sw1 port 2",
    )
