from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plugin.ml import devices
from plugin.ml.devices import addresses_of, blocks, chosen_of, devices_of
from tests.build import address, macs, session, sessions

ME, ROUTER, MULTICAST, SILENT = (
    "0e:00:00:00:00:0a",
    "0e:00:00:00:00:01",
    "01:00:5e:00:00:fb",
    "0e:00:00:00:00:99",
)


def capture(*records: Any, table: Any = None) -> Any:
    return SimpleNamespace(sessions=sessions(*records), macs=macs() if table is None else table)


def test_devices_are_unicast_addresses_that_sent() -> None:
    table = macs(ME, ROUTER, MULTICAST, SILENT, "00:00:00:00:00:00")
    table["tx_packets"][3] = 0
    found = devices_of(capture(session(), table=table))
    assert found.macs == (ME, ROUTER)
    assert found.mac_ids.tolist() == [0, 1]
    assert found.packets.tolist() == [20, 20]
    assert len(found) == 2


def test_views_join_each_device_with_its_sessions() -> None:
    found = devices_of(
        capture(
            session(orig_mac=0, resp_mac=1),
            session(orig_mac=1, resp_mac=0),
            session(orig_mac=2, resp_mac=0),
            session(orig_mac=1, resp_mac=1),
            session(orig_mac=-1, resp_mac=-1),
            table=macs(ME, ROUTER, MULTICAST),
        )
    )
    views = found.views
    assert views.device.tolist() == [0, 0, 0, 1, 1, 1]
    assert views.session.tolist() == [0, 1, 2, 0, 1, 3]
    assert views.is_orig.tolist() == [True, False, False, False, True, True]


def test_addresses_are_those_sent_from_inside_ones_first() -> None:
    read = capture(
        session("8.8.8.8:1", "192.168.1.2:2", orig_mac=1, resp_mac=0),
        session("192.168.1.1:1", "192.168.1.2:2", orig_mac=1, resp_mac=0, resp_packets=0),
        session("0.0.0.0:68", "255.255.255.255:67", orig_mac=0, resp_mac=2, proto=17),
        session("fe80::1:5353", "ff02::fb:5353", orig_mac=0, resp_mac=2, proto=17),
        table=macs(ME, ROUTER, MULTICAST),
    )
    known = addresses_of(read, devices_of(read))
    assert known.ips[0] == (
        address("192.168.1.2").tobytes(),
        address("fe80::1").tobytes(),
    )
    assert known.ips[1] == (address("192.168.1.1").tobytes(), address("8.8.8.8").tobytes())
    assert known.counts.tolist() == [[2, 0], [1, 1]]


@pytest.mark.parametrize(
    ("senders", "relay"),
    [
        ("192.168.1.2", False),
        ("9.9.9.9", False),
        ("192.168.1.2 192.168.1.3", False),  # another lease
        ("192.168.1.2 192.168.1.3 169.254.7.7 fe80::1", False),
        ("192.168.1.2 192.168.1.3 192.168.1.4", True),
        ("192.168.1.1 9.9.9.9", True),
        ("169.254.7.7 9.9.9.9", False),
        ("9.9.9.9 8.8.8.8", True),
        ("192.168.1.2 2001:db8::1", False),  # both versions
        ("2001:db8::1 2001:db8::2 2001:db8::3 2001:db8::4 fd00::1 fe80::1 fe80:0:0:1::1", False),
        ("2001:db8::1 2001:db8:0:1::1 fd00::1", True),
    ],
)
def test_who_stands_for_others(senders: str, *, relay: bool) -> None:
    me = "fd00::9:9" if "192" not in senders else "192.168.1.9:9"
    records = [session(me, f"{one}:1000", orig_mac=1, resp_mac=0) for one in senders.split()]
    # The other end has the same addresses in turn, but it sends nothing from them.
    silent = [
        session("192.168.1.9:1", f"{one}:53", orig_mac=0, resp_mac=1, resp_packets=0)
        for one in ("8.8.8.1", "8.8.8.2", "8.8.8.3")
    ]
    read = capture(*records, table=macs(ME, ROUTER))
    assert addresses_of(read, devices_of(read)).relays.tolist() == [relay, False]
    read = capture(*records[:1], *silent, table=macs(ROUTER, ME))
    assert not addresses_of(read, devices_of(read)).relays[1]


OWN = session("192.168.1.2:1", "192.168.1.9:80", orig_packets=90, orig_mac=0, resp_mac=1)


def forged(sender: str, **fields: Any) -> Any:
    fields = {"orig_packets": 1, "resp_packets": 0, "orig_mac": 0, "resp_mac": 1} | fields
    return session(f"{sender}:9", "192.168.1.9:9", **fields)


def brought(sender: str, packets: int, **fields: Any) -> Any:
    fields = {"orig_first": 1, "resp_first": 2, "resp_packets": packets} | fields
    return session("192.168.1.9:5", f"{sender}:53", orig_mac=1, resp_mac=0, **fields)


@pytest.mark.parametrize(
    ("records", "relay"),
    [
        ([forged("8.8.8.8")], False),
        ([forged(f"8.8.8.{k}") for k in range(200)], False),  # more than its own
        ([forged(f"8.8.8.{k}", resp_packets=1) for k in range(9)], False),  # pings: answered away
        ([forged(f"192.168.1.{k}") for k in range(10, 20)], False),
        ([brought("8.8.8.8", 9)], False),  # a forged answer or two: 9 of 99
        ([brought("8.8.8.8", 10)], True),
        ([brought("8.8.8.8", 30), forged("8.8.4.4")], True),
        ([brought("8.8.8.8", 30, orig_packets=0)], False),  # a forged SYN-ACK
        ([brought("8.8.8.8", 30, orig_first=3)], False),  # and what it was answered with
        ([brought("192.168.1.2", 500), brought("8.8.8.8", 9)], False),  # its own answers
        ([brought("8.8.8.8", 6), brought("9.9.9.9", 6)], True),
    ],
)
def test_a_sender_that_anybody_can_write_makes_no_relay(records: Any, *, relay: bool) -> None:
    read = capture(OWN, *records, table=macs(ME, ROUTER))
    devices = devices_of(read)
    known = addresses_of(read, devices)
    assert known.relays.tolist() == [relay, False]
    assert known.posing.tolist() == [not relay, False]
    outside = [one["orig_ip"][0, 12] == 8 and not relay for one in records]
    mine = (devices.views.device == 0) & devices.views.is_orig
    assert known.foreign[mine].tolist() == [False] + [
        flag for flag, one in zip(outside, records, strict=True) if one["orig_mac"][0] == 0
    ]


@pytest.mark.parametrize(
    ("fields", "own"),
    [
        ({}, True),
        ({"resp_packets": 0}, False),  # nobody answered: it may be forged
        ({"orig_ttl_max": 63}, False),  # it came over a router
        ({"orig_mac": 1, "resp_mac": 0}, None),  # that is the other device's
    ],
)
def test_an_alias_that_is_answered_is_ones_own(fields: Any, *, own: bool | None) -> None:
    """A second address on the card, outside by its looks, hides nothing."""
    alias = {"orig_mac": 0, "resp_mac": 1, "orig_ttl_max": 64, "resp_packets": 3} | fields
    used = session("11.0.0.66:9", "192.168.1.7:4444", **alias)
    scan = session("11.0.0.66:8", "192.168.1.8:80", orig_mac=0, resp_mac=1, resp_packets=0)
    read = capture(OWN, used, scan, table=macs(ME, ROUTER))
    devices = devices_of(read)
    foreign = addresses_of(read, devices).foreign[(devices.views.device == 0)]
    assert foreign.tolist() == ([False, False, True] if own is None else [False, not own, not own])


def test_of_one_direction_a_relay_sends_mostly_from_many_outside_addresses() -> None:
    def relays(*senders: str, packets: int = 1) -> list[bool]:
        records = [forged(one, orig_packets=packets) for one in senders]
        home = [forged("9.9.9.9", orig_packets=3)]
        read = capture(*home, *records, table=macs(ME, ROUTER))
        found: list[bool] = addresses_of(read, devices_of(read)).relays.tolist()
        return found

    assert relays("8.8.8.1", "8.8.8.2", "8.8.8.3", "8.8.8.4") == [True, False]
    assert relays("8.8.8.1", "8.8.8.2", "8.8.8.3") == [False, False], "half is not most"
    assert relays("8.8.8.1", "10.0.0.1", packets=9) == [False, False], "it has a home"


def test_a_public_host_that_forges_one_answer_stays_itself() -> None:
    mine = session("9.9.9.9:1", "192.168.1.9:80", orig_packets=90, orig_mac=0, resp_mac=1)
    read = capture(mine, brought("8.8.8.8", 1), table=macs(ME, ROUTER))
    known = addresses_of(read, devices_of(read))
    assert known.relays.tolist() == [False, False]
    assert known.posing.tolist() == [True, False]


def test_of_many_addresses_only_some_are_listed() -> None:
    records = [session(f"8.8.{k}.1:1", orig_mac=0, resp_mac=1) for k in range(40)]
    read = capture(*records, table=macs(ME, ROUTER))
    known = addresses_of(read, devices_of(read))
    assert len(known.ips[0]) == devices.IPS_MAX
    assert known.counts[0].tolist() == [0, 40]


def test_without_link_addresses_devices_go_by_ip() -> None:
    none = {"orig_mac": -1, "resp_mac": -1}
    read = capture(
        session("10.0.0.2:1", "8.8.8.8:53", **none),
        session("10.0.0.2:2", "10.0.0.3:53", resp_packets=0, **none),
    )
    found = devices_of(read)
    assert found.macs == (None,)
    assert addresses_of(read, found).ips == ((address("10.0.0.2").tobytes(),),)
    assert found.packets.tolist() == [9]
    assert found.views.session.tolist() == [0, 1]
    assert found.mac_ids.tolist() == [-1]


def test_by_ip_outside_senders_count_if_none_is_inside() -> None:
    found = devices_of(capture(session("9.9.9.9:1", "8.8.8.8:53", orig_mac=-1, resp_mac=-1)))
    assert len(found) == 2


def test_nothing_has_no_devices() -> None:
    found = devices_of(capture())
    assert len(found) == 0
    assert not len(found.views.device)
    assert list(blocks(found.views)) == []


def test_blocks_end_where_a_device_ends(monkeypatch: Any) -> None:
    monkeypatch.setattr(devices, "_VIEWS_MAX", 4)
    owners = np.array([0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 3])
    views = devices.Views(np.arange(11), np.ones(11, np.bool_), owners)
    cuts = [(part.start, part.stop) for part in blocks(views)]
    assert cuts == [(0, 4), (4, 10), (10, 11)]


def test_some_of_the_devices_keep_their_sessions() -> None:
    table = macs(ME, ROUTER)
    whole = devices_of(capture(session(), session(), table=table))
    some = chosen_of(whole, np.array([1]))
    assert some.macs == (ROUTER,)
    assert some.packets.tolist() == whole.packets[1:].tolist()
    mine = whole.views.device == 1
    assert some.views.session.tolist() == whole.views.session[mine].tolist()
    assert some.views.is_orig.tolist() == whole.views.is_orig[mine].tolist()
    assert set(some.views.device.tolist()) == ({0} if mine.any() else set())
