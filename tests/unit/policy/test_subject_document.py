from __future__ import annotations

import pytest

from plugin.actions import Place
from plugin.errors import PolicyError
from plugin.policy.subject import RoleSeen, Seen, Subject, Window
from plugin.policy.subject_document import FIELDS, read_subject
from tests.policies import MAC

FULL = """
mac: 00-11-22-00-00-07
port: sw1:7
vlan: 100
addresses: [10.0.0.7]
vendor: Axis
name: cam
randomised: true
os: Linux
role: {decision: unknown, label: Camera, confidence: 0.4, model: m2}
behaviours:
  - beacon
  - {name: vertical-scan, score: 4, threshold: 2, reasons: [30 ports], evidence: f9}
windows:
  - {capture: c, evidence: e, packets: 9, sessions: 2, decision: known, label: Camera,
     confidence: 0.7, anomaly: changed, novelty: 0.3, change: 1.4, behaviours: [beacon]}
captures: 12
source: other
twice: true
ignored: a test
"""


def test_a_device_says_everything() -> None:
    found = read_subject(FULL, "s.yaml")
    assert found == Subject(
        mac="00:11:22:00:00:07",
        place=Place("sw1", 7, 100),
        addresses=("10.0.0.7",),
        vendor="Axis",
        name="cam",
        randomised=True,
        os="Linux",
        role=RoleSeen("unknown", "Camera", 0.4, "m2"),
        behaviours=(
            Seen("beacon", 1.0, 1.0, (), 0.0, "finding-1"),
            Seen("vertical-scan", 4.0, 2.0, ("30 ports",), 0.0, "f9"),
        ),
        windows=(
            Window("c", "e", 0.0, 9, 2, "known", "Camera", 0.7, "changed", 0.3, 1.4, ("beacon",)),
        ),
        captures=12,
        source="other",
        twice=True,
        ignored="a test",
    )
    assert all(f"\n{name}:" in FULL for name in FIELDS)


def test_a_device_says_little() -> None:
    found = read_subject(f"mac: '{MAC}'", "s")
    assert found == Subject(mac=MAC, randomised=True)
    assert read_subject("mac: '00:11:22:00:00:01'", "s").randomised is False


def test_json_is_as_good() -> None:
    assert read_subject('{"mac": "02:00:00:00:00:07", "captures": 2}', "s").captures == 2


def test_captures_alike_are_written_once() -> None:
    found = read_subject(f"mac: '{MAC}'\nwindows: [{{label: Camera, times: 3}}, {{}}]", "s")
    assert [window.label for window in found.windows] == ["Camera"] * 3 + ["Unknown"]
    assert [window.evidence for window in found.windows] == [f"verdict-{n}" for n in (1, 2, 3, 4)]
    assert [window.decision for window in found.windows] == ["known"] * 3 + ["undetermined"]
    assert found.captures == 4


def test_the_role_is_that_of_the_last_capture_with_enough_in_it() -> None:
    windows = "[{packets: 2}, {label: Camera, confidence: 0.8}, {label: Printer}]"
    found = read_subject(f"mac: '{MAC}'\nwindows: {windows}", "s")
    assert found.role == RoleSeen("known", "Camera", 0.8, "sample")


def test_a_capture_with_a_behaviour_is_anomalous() -> None:
    windows = "[{behaviours: [beacon]}, {}, {behaviours: [beacon], anomaly: normal}]"
    found = read_subject(f"mac: '{MAC}'\nwindows: {windows}", "s")
    assert [window.anomaly for window in found.windows] == ["anomalous", "undetermined", "normal"]


def test_no_more_windows_than_are_kept() -> None:
    found = read_subject(f"mac: '{MAC}'\nwindows: [{{times: 10}}, {{times: 10}}]", "s")
    assert len(found.windows) == 16


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "s:1:1: an empty file: a device has a mac"),
        ("{}", "s:1:1: mac: is missing"),
        ("[]", "a mapping is expected"),
        ("mac: '02:00'", "s:1:6: mac: a MAC address such as"),
        (f"mac: '{MAC}'\nvlan: 3", "s:2:7: vlan: a VLAN without a port"),
        (f"mac: '{MAC}'\nport: sw1", "s:2:7: port: 'sw1' is no SWITCH:PORT"),
        (f"mac: '{MAC}'\nwindow: []", "window: no such field; did you mean 'windows'"),
        (f"mac: '{MAC}'\nrole: {{decision: sure}}", "no such decision 'sure'"),
        (f"mac: '{MAC}'\nbehaviours: [{{score: 1}}]", "behaviours[0].name: is missing"),
        (f"mac: '{MAC}'\nwindows: [{{anomaly: odd}}]", "no such anomaly 'odd'"),
        (f"mac: '{MAC}'\nwindows: [{{times: 17}}]", "windows[0].times: a whole number from 1"),
        (f"mac: '{MAC}'\nwindows: [{{novelty: -1}}]", "windows[0].novelty: a number above zero"),
        (f"mac: '{MAC}'\ncaptures: -1", "captures: a whole number from 0"),
    ],
)
def test_devices_that_are_none(text: str, said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        read_subject(text, "s")
    assert any(said in problem for problem in caught.value.problems), caught.value.problems


def test_hostile_devices_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    with pytest.raises(PolicyError, match="aliases count as copies"):
        read_subject("\n".join(lines), "s")


def test_a_device_may_stand_under_subject_as_in_samples() -> None:
    assert read_subject(f"subject: {{mac: '{MAC}'}}", "s") == read_subject(f"mac: '{MAC}'", "s")
    with pytest.raises(PolicyError, match=r"s:1:11: subject\.macs: "):
        read_subject("subject: {macs: x}", "s")
