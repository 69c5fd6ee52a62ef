from __future__ import annotations

from collections.abc import Iterable

import pytest

from plugin.actions import Place
from plugin.policy.subject import Subject, Surroundings
from plugin.policy.trial import Deed, Trial, Tried, in_earnest
from tests.policies import NOW, device, policy, seen, window

SCAN = (seen("vertical-scan"),)
RULE = "- {name: scans, match: {behaviours: [vertical-scan]}, action: quarantine, duration: 1h%s}"
WIDE = "caps: {devices: 100, percent: 100, per_switch: 100, per_hour: 100}"


class World:
    """Devices, and a policy on trial among them."""

    def __init__(self, rules: str, top: str = WIDE) -> None:
        self.devices: dict[str, Subject] = {}
        self.around = Surroundings(100, 1, None, None, None)
        self.trial = Trial(policy(rules, top), self.look, self.mates)

    def look(self, mac: str) -> tuple[Subject, Surroundings] | None:
        found = self.devices.get(mac)
        return None if found is None else (found, self.around)

    def mates(self, place: Place) -> Iterable[str]:
        return [one.mac for one in self.devices.values() if one.place == place]

    def looked(self, number: int, at: float, **changed: object) -> None:
        mac = f"02:00:00:00:00:{number:02x}"
        usual = {"behaviours": SCAN, "place": Place("sw1", number, 100)}
        self.devices[mac] = device(**{"mac": mac} | usual | changed)
        self.trial.looked(mac, NOW + at)

    def end(self) -> Tried:
        return self.trial.end()


def _short(deeds: Iterable[Deed]) -> list[tuple[str, str, float, float, bool]]:
    return [
        (one.mac[-2:], one.action, one.began - NOW, one.seconds, one.stopped is None)
        for one in deeds
    ]


@pytest.mark.parametrize("mode", ["simulate", "enforce"])
def test_who_would_have_been_isolated_and_for_how_long(mode: str) -> None:
    world = World(RULE % f", mode: {mode}")
    world.looked(1, 0)
    world.looked(2, 60, behaviours=())
    tried = world.end()
    assert _short(tried.deeds) == [("01", "quarantine", 0.0, 3600.0, True)]
    (deed,) = tried.deeds
    assert (deed.rule, deed.place, deed.asked, deed.isolates) == (
        "scans", Place("sw1", 1, 100), False, True,
    )  # fmt: skip
    assert deed.evidence == ("finding-vertical-scan",)
    assert (tried.most, tried.frozen, tried.refused) == (1, None, ())


def test_whoever_is_asked_says_yes() -> None:
    world = World(RULE % ", approve: true, delay: 90s")
    world.looked(1, 0)
    (deed,) = world.end().deeds
    assert (deed.began - NOW, deed.seconds, deed.asked) == (90.0, 3600.0, True)


def test_the_second_offence_is_the_second_step() -> None:
    world = World(RULE % ", grace: 0, escalate: [{action: block, duration: 2h}]")
    world.looked(1, 0)
    world.looked(1, 600)
    world.looked(1, 4000)
    assert _short(world.end().deeds) == [
        ("01", "quarantine", 0.0, 3600.0, True),
        ("01", "block", 4000.0, 7200.0, True),
    ]


def test_the_grace_is_kept() -> None:
    world = World(RULE % ", grace: 10m")
    world.looked(1, 0)
    world.looked(1, 3700)
    assert len(world.end().deeds) == 1


def test_what_the_caps_stop_is_seen() -> None:
    world = World(RULE % "", "caps: {devices: 2, percent: 100}")
    for number in (1, 2, 3, 4):
        world.looked(number, number)
    tried = world.end()
    assert [one.stopped is None for one in tried.deeds] == [True, True, False, False]
    assert "caps.devices: 2 of 2 devices are isolated" in (tried.deeds[3].stopped or "")
    assert tried.most == 2
    assert tried.frozen is not None
    assert tried.frozen[0] == NOW + 3
    assert tried.frozen[1].startswith("caps.devices: 2 of 2")


def test_nobody_thaws() -> None:
    world = World(RULE % "", "caps: {devices: 1, percent: 100}")
    world.looked(1, 0)
    world.looked(2, 1)
    world.looked(3, 90_000)
    assert [one.stopped is None for one in world.end().deeds] == [True, False, False]


@pytest.mark.parametrize(
    ("top", "changed", "around", "said"),
    [
        ("protect: {macs: ['02:00:00:00:00:01']}", {}, {}, "protected by p.yaml"),
        ("", {}, {"gateway": "it routes"}, "taken for a gateway: it routes"),
        ("", {}, {"macs_on_port": 9}, "9 devices are at its port"),
        ("", {}, {"unhooked": "no hook"}, "it would not hold: no hook"),
        ("maintenance: [{from: '00:00', to: '24:00'}]", {}, {}, "maintenance: every day"),
    ],
)
def test_what_else_stops_it(
    top: str, changed: dict[str, object], around: dict[str, object], said: str
) -> None:
    world = World(RULE % "", f"{WIDE}\n{top}")
    world.around = world.around._replace(**around)  # type: ignore[arg-type]  # as they come
    world.looked(1, 0, **changed)
    world.looked(1, 1, **changed)
    (deed,) = world.end().deeds
    assert deed.stopped is not None
    assert said in deed.stopped
    assert deed.seconds == 0.0
    assert deed.rule == "scans"


def test_the_learning_period_does_not_count() -> None:
    world = World(RULE % "", f"{WIDE}\nlearning: 365d")
    world.looked(1, 0)
    assert world.end().deeds[0].stopped is None


def test_who_is_told_of_takes_no_place() -> None:
    told = "- {name: new, match: {anomalies: [novel]}, action: notify, mode: enforce}"
    world = World(told)
    novel = tuple(window(number, anomaly="novel") for number in (1, 2, 3))
    world.looked(1, 0, behaviours=(), windows=novel)
    tried = world.end()
    assert [(one.action, one.isolates, one.stopped) for one in tried.deeds] == [
        ("notify", False, None)
    ]
    assert tried.most == 0


def test_who_appears_at_an_isolated_port_goes_along() -> None:
    world = World(RULE % ", scope: port")
    world.looked(1, 0)
    place = Place("sw1", 1, 100)
    new = device(mac="02:00:00:00:00:09", place=place)
    world.devices[new.mac] = new
    world.trial.moved(new.mac, NOW + 600)
    assert _short(world.end().deeds) == [
        ("01", "quarantine", 0.0, 3600.0, True),
        ("09", "quarantine", 600.0, 3000.0, True),
    ]


def test_rules_that_may_not_be_enforced_are_told_and_tried_all_the_same() -> None:
    world = World("- {name: new, match: {anomalies: [novel]}, action: block}")
    novel = tuple(window(number, anomaly="novel") for number in (1, 2, 3))
    world.looked(1, 0, behaviours=(), windows=novel)
    tried = world.end()
    assert _short(tried.deeds) == [("01", "block", 0.0, 3600.0, True)]
    (text,) = tried.refused
    assert text.startswith("new: would isolate every new device")


def test_in_earnest() -> None:
    found = in_earnest(policy(RULE % ", approve: true"))
    assert [(rule.mode, rule.approve) for rule in found.rules] == [("enforce", False)]
    assert found.learning == 0.0


def test_nothing_happens_to_who_is_unknown() -> None:
    world = World(RULE % "")
    world.trial.looked("02:00:00:00:00:01", NOW)
    world.trial.until(NOW + 1e6)
    assert world.end().deeds == ()


def test_names_are_told_of_what_is_done_and_of_what_is_not() -> None:
    world = World(RULE % "", f"{WIDE}\nprotect: {{macs: ['02:00:00:00:00:02']}}")
    world.looked(1, 0, name="cam")
    world.looked(2, 1, name="server")
    done, stopped = world.end().deeds
    assert (done.name, stopped.name) == ("cam", "server")
    assert (done.isolates, stopped.isolates, stopped.action) == (True, True, "quarantine")
    assert stopped.reason == "it did vertical-scan: it did vertical-scan to 30 hosts"
    assert stopped.evidence == ("finding-vertical-scan",)


def test_what_is_over_at_this_very_moment_is_over() -> None:
    world = World(RULE % ", grace: 0")
    world.looked(1, 0)
    world.looked(1, 3600)
    assert _short(world.end().deeds) == [
        ("01", "quarantine", 0.0, 3600.0, True),
        ("01", "quarantine", 3600.0, 3600.0, True),
    ]


def test_most_at_a_time_are_not_most_ever() -> None:
    world = World(RULE % "")
    for number, at in ((1, 0), (2, 100), (3, 9000)):
        world.looked(number, at)
    tried = world.end()
    assert (tried.most, len(tried.deeds)) == (2, 3)
