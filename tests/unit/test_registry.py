"""Devices come, move, are forgotten by Faucet, and go."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin import events as ev
from plugin.registry import (
    Addressed,
    Appeared,
    Change,
    Forgotten,
    Gone,
    Limits,
    Location,
    Moved,
    Registry,
    Twice,
    from_document,
    to_document,
)

MAC = "02:00:00:00:00:01"
HEAD: dict[str, Any] = {"dp_id": 1, "dp_name": "sw1", "event_id": 1}


def learned(time: float, mac: str = MAC, port: int = 1, **changed: Any) -> ev.DeviceLearned:
    fields: dict[str, Any] = {
        **HEAD,
        "time": time,
        "port": port,
        "previous_port": None,
        "vid": 100,
        "mac": mac,
        "peer_mac": None,
        "eth_type": 2048,
        "address": None,
        "peer_address": None,
        "stack": None,
        **changed,
    }
    return ev.DeviceLearned(**fields)


def expired(time: float, port: int = 1) -> ev.DeviceExpired:
    return ev.DeviceExpired(**HEAD, time=time, port=port, vid=100, mac=MAC)


def kinds(changes: list[Change]) -> list[type]:
    return [type(change) for change in changes]


def after(*events: ev.FeedItem, limits: Limits | None = None) -> tuple[Registry, list[Change]]:
    registry, changes = Registry(limits), []
    for event in events:
        changes += registry.step(event, 1e9)
    return registry, changes


def test_a_device_appears_once_and_keeps_its_first_time() -> None:
    registry, changes = after(learned(10), learned(20))
    assert kinds(changes) == [Appeared]
    device = registry.get(MAC)
    assert device is not None
    assert (device.first_seen, device.last_seen) == (10, 20)
    assert device.location == Location("sw1", 1, 100)


def test_the_maker_is_asked_for_once_and_comes_back_from_the_document() -> None:
    asked: list[str] = []

    def vendor(mac: str) -> str:
        asked.append(mac)
        return "Maker"

    registry = Registry(vendor=vendor)
    for time in (1, 2):
        registry.step(learned(time), 10)
    device = registry.get(MAC)
    assert device is not None
    assert (device.vendor, asked) == ("Maker", [MAC])
    document = json.loads(json.dumps(to_document(device)))
    assert from_document(document).vendor == document.pop("vendor") == "Maker"
    assert from_document(document).vendor is None  # a document of before


def test_a_move_is_told_with_where_it_was() -> None:
    registry, changes = after(learned(10), learned(20, port=2))
    assert kinds(changes) == [Appeared, Moved]
    assert isinstance(changes[1], Moved)
    assert changes[1].previous.port == 1
    assert [d.mac for d in registry.at("sw1", 2)] == [MAC]
    assert registry.port(MAC) == "sw1 2"
    assert registry.port("02:00:00:00:00:ff") is None
    assert registry.at("sw1", 1) == ()


@pytest.mark.parametrize(("pause", "alarm"), [(20, True), (40, False)])
def test_one_mac_on_two_ports_in_turn_is_an_alarm(pause: float, *, alarm: bool) -> None:
    _, changes = after(*(learned(pause * i, port=1 + i % 2) for i in range(4)))
    assert (Twice in kinds(changes)) is alarm


def test_an_expiry_is_not_a_leave() -> None:
    registry, changes = after(learned(10), expired(20))
    assert kinds(changes) == [Appeared]
    device = registry.get(MAC)
    assert device is not None
    assert not device.learned
    assert registry.tick(10 + 3600) == []
    assert kinds(registry.tick(10 + 3601)) == [Gone]
    assert len(registry) == 0


def test_a_silent_device_that_faucet_still_has_stays() -> None:
    registry, _ = after(learned(10))
    assert registry.tick(1e6) == []


def test_an_expiry_elsewhere_changes_nothing() -> None:
    registry, _ = after(learned(10), learned(11, port=2), expired(12, port=1))
    assert [d.mac for d in registry.at("sw1", 2)] == [MAC]


@pytest.mark.parametrize(
    "event",
    [
        ev.PortChanged(**HEAD, time=20, port=1, reason="MODIFY", state=1, up=False),
        ev.DatapathChanged(**HEAD, time=20, reason="disconnect"),
        ev.FaucetRestarted(last=7),
    ],
)
def test_what_unlearns_a_port(event: ev.FeedItem) -> None:
    registry, _ = after(learned(10), event)
    assert registry.at("sw1", 1) == ()
    assert len(registry) == 1
    _, changes = after(learned(10), event, learned(30))
    assert kinds(changes) == [Appeared]  # it was not gone, so it does not appear again


def test_a_port_that_comes_up_forgets_nobody() -> None:
    up = ev.PortChanged(**HEAD, time=20, port=1, reason="MODIFY", state=4, up=True)
    registry, _ = after(learned(10), up)
    assert len(registry.at("sw1", 1)) == 1


def test_queued_events_of_the_past_do_not_move_a_device_back() -> None:
    registry, changes = after(learned(20, port=2), learned(10, port=1))
    assert kinds(changes) == [Appeared]
    assert len(registry.at("sw1", 2)) == 1


def test_a_time_of_the_future_is_not_believed() -> None:
    registry = Registry()
    registry.step(learned(5000), now=100)
    device = registry.get(MAC)
    assert device is not None
    assert device.last_seen == 100


def test_addresses_are_kept_last_heard_first_and_told_once() -> None:
    l3 = ev.AddressLearned(**HEAD, time=30, port=1, vid=100, mac=MAC, address="10.0.0.3")
    registry, changes = after(
        learned(10, address="10.0.0.1"), learned(20, address="10.0.0.2"), l3,
        learned(40, address="10.0.0.1"), limits=Limits(addresses=2),
    )  # fmt: skip
    device = registry.get(MAC)
    assert device is not None
    assert device.addresses == ("10.0.0.1", "10.0.0.3")
    told = [change.address for change in changes if isinstance(change, Addressed)]
    assert told == ["10.0.0.2", "10.0.0.3", "10.0.0.1"]


def test_group_addresses_are_no_devices() -> None:
    registry, changes = after(learned(1, mac="01:00:5e:00:00:01"))
    assert (len(registry), changes) == (0, [])


def test_too_many_devices_push_out_the_one_longest_not_heard_of() -> None:
    macs = [f"02:00:00:00:00:0{i}" for i in range(1, 4)]
    registry, changes = after(
        learned(1, macs[0]), learned(2, macs[1]), learned(3, macs[0]), learned(4, macs[2]),
        limits=Limits(devices=2),
    )  # fmt: skip
    assert [d.mac for d in registry] == [macs[0], macs[2]]
    assert [c.device.mac for c in changes if isinstance(c, Forgotten)] == [macs[1]]


def test_a_device_comes_back_from_its_document() -> None:
    registry, _ = after(learned(10, address="10.0.0.1"), learned(20, port=2))
    registry.name(MAC, "printer-3")
    (device,) = registry
    document = json.loads(json.dumps(to_document(device)))
    assert from_document(document) == replace(device, learned=False)
    assert document["randomised"] is True


MACS = [f"0{n}:00:00:00:00:01" for n in (0, 1, 2)]
EVENTS = st.one_of(
    st.builds(
        learned, st.floats(0, 1000), st.sampled_from(MACS), st.integers(1, 3),
        address=st.sampled_from([None, "10.0.0.1", "10.0.0.2"]),
    ),
    st.builds(expired, st.floats(0, 1000), st.integers(1, 3)),
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(EVENTS, max_size=40), st.floats(0, 10_000))
def test_what_always_holds(events: list[ev.FeedItem], end: float) -> None:
    registry, changes = after(*events, limits=Limits(devices=2))
    changes += registry.tick(end)
    assert len(registry) <= 2
    came = [c.device.mac for c in changes if isinstance(c, Appeared)]
    went = [c.device.mac for c in changes if isinstance(c, Gone | Forgotten)]
    assert sorted(came) == sorted(went + [d.mac for d in registry])
    assert all(d.first_seen <= d.last_seen for d in registry)


def test_a_device_that_is_heard_is_not_gone() -> None:
    registry, _ = after(learned(10), learned(20, mac="02:00:00:00:00:02"), expired(30))
    registry.heard(MAC, 3_000)
    registry.heard(MAC, 50)
    registry.heard("02:00:00:00:00:99", 50)
    device = registry.get(MAC)
    assert device is not None
    assert device.last_seen == 3_000
    assert [one.mac for one in registry] == ["02:00:00:00:00:02", MAC]
    assert registry.tick(6_600) == []
    assert kinds(registry.tick(6_601)) == [Gone]


def test_a_restored_device_is_there_but_not_learned() -> None:
    first, _ = after(learned(10))
    (device,) = first
    registry = Registry()
    registry.restore(from_document(to_document(device)), 5)
    assert [one.mac for one in registry] == [MAC]
    assert registry.at("sw1", 1) == ()
    assert kinds(registry.step(learned(20), 1e9)) == []


def test_who_was_heard_last_at_a_port_counts_until_it_is_gone_or_elsewhere() -> None:
    other = "02:00:00:00:00:02"
    registry, _ = after(
        learned(10), learned(11, other), learned(12, vid=200), limits=Limits(devices=2)
    )
    assert registry.last_at("sw1", 1) == {MAC, other}
    assert registry.last_at("sw1", 2) == frozenset()
    registry.step(ev.FaucetRestarted(last=1), 13)
    assert registry.at("sw1", 1) == ()
    assert registry.last_at("sw1", 1) == {MAC, other}
    registry.step(learned(14, port=2), 14)
    assert registry.last_at("sw1", 1) == {other}
    assert registry.last_at("sw1", 2) == {MAC}
    third = "02:00:00:00:00:03"
    registry.step(learned(15, third, port=2), 15)  # the second one is forgotten
    assert registry.last_at("sw1", 1) == frozenset()
    assert registry.last_at("sw1", 2) == {MAC, third}
    registry.step(ev.FaucetRestarted(last=1), 16)
    registry.tick(9_000)
    assert registry.last_at("sw1", 2) == frozenset()
    (device,) = after(learned(10))[0]
    restored = Registry()
    restored.restore(from_document(to_document(device)), 5)
    assert restored.last_at("sw1", 1) == {MAC}


def test_a_clock_that_was_ahead_is_forgiven() -> None:
    registry, _ = after(learned(100_000))
    assert kinds(registry.step(learned(50, port=2), 51)) == [Moved]
    device = registry.get(MAC)
    assert device is not None
    assert (device.location.port, device.first_seen, device.last_seen) == (2, 50, 50)

    registry, _ = after(learned(100_000), learned(10, mac="02:00:00:00:00:02"))
    registry.step(expired(20), 21)
    assert registry.tick(3_000) == []
    assert kinds(registry.tick(7_000)) == [Gone]  # it was not hidden behind the one to come
    registry.restore(replace(device, last_seen=1e6), 7_000)
    restored = registry.get(MAC)
    assert restored is not None
    assert restored.last_seen == 7_000


def test_no_port_counts_for_more_devices_than_asked() -> None:
    registry = Registry()
    for n in range(12):
        registry.step(learned(9, f"02:00:00:00:01:{n:02x}", 1), 9)
    for n in range(3):
        registry.step(learned(9, f"02:00:00:00:02:{n:02x}", 2), 9)
    assert [registry.spread(most) for most in (8, 2, 100)] == [11, 4, 15]
    assert registry.spread(8) == 11
    for n in range(12):  # kept up to date, one by one
        registry.step(learned(10, f"02:00:00:00:01:{n:02x}", 3), 10)
        assert registry.spread(8) == 3 + min(11 - n, 8) + min(n + 1, 8)
    registry.step(learned(11, "02:00:00:00:02:00", 2, vid=7), 11)
    assert registry.spread(8) == 11
