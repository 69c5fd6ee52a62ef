"""Captures of attacks, through the core, to findings; and the file of parameters."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plugin.errors import SettingsError
from plugin.ml.behaviour.parameters import Parameters
from plugin.offline.behaviours import behaviours_in, load_parameters
from tests import attacks
from tests import frames as f
from tests.streams import afterwards, streamed

if TYPE_CHECKING:
    from collections.abc import Sequence


ROOT = Path(__file__).resolve().parents[3]
CAPTURES = ROOT / "tests" / "data" / "captures"
SAMPLES = attacks.SAMPLES
HARMLESS = {
    "few hosts": attacks.horizontal(24),
    "few ports": attacks.vertical(24),
    "answered": attacks.visits(),
    "few log-ins": attacks.guesses(24),
    "many pages": attacks.guesses(40, 443),
    "slow SYNs": attacks.syn_flood(90),
    "a burst": attacks.syn_flood(150, 2),
    "slow UDP": attacks.udp_flood(1_900),
    "ping": attacks.icmp_flood(5),
    "few addresses asked for": attacks.sweep(27),
    "most are there": attacks.sweep(119, every=2),
    "slow questions": attacks.sweep(60, pause=2.5),
    "no answers are seen": attacks.sweep(120, every=1000),
    "two claims": attacks.poisoning(2),
    "few beacons": attacks.beacons(8, period=60),
    "two minutes of polling": attacks.beacons(60, period=2),
    "irregular": attacks.beacons(jitter=0.4),
    "one connection": attacks.beacon_keepalives(),
    "pings": attacks.pings(),
    "one UDP port": attacks.polls(),
    "few pinged": attacks.ping_sweep(9),
    "pinged slowly": attacks.ping_sweep(60, pause=1.5),
    "long pings": attacks.ping_talk(90, 1_400, 1_400),
    "short queries": attacks.queries(120, 60, 240),
    "few long queries": attacks.queries(29),
    "a clock that is asked": attacks.reflections(2_000, 48, 48),
    "few answers": attacks.reflections(99, answer=1_400),
    "DHCP by the book": attacks.dhcp_requests(60, pause=2),
    "few hosts' administration": attacks.fan_out(9),
    "administration over hours": attacks.fan_out(40, pause=60),
    "two packets for another": attacks.in_anothers_name(2),
    "a small upload": attacks.upload(800),
    "a call": attacks.upload(1_000, returned=30_000),
}


def names(tmp_path: Path, frames: Sequence[f.Frame]) -> list[tuple[str, str]]:
    capture = tmp_path / "x.pcap"
    capture.write_bytes(f.pcap(*frames))
    return [(one.mac, one.finding.name) for one in behaviours_in(capture, Parameters())]


@pytest.mark.usefixtures("core")
@pytest.mark.parametrize("behaviour", SAMPLES)
def test_each_behaviour_is_found_once(tmp_path: Path, behaviour: str) -> None:
    found = names(tmp_path, SAMPLES[behaviour])
    assert (attacks.BAD_TEXT, behaviour) in found
    assert len(found) == len(set(found))
    # A SYN flood from ever new ports to one is no scan, and so on: nothing else is said.
    assert {name for _, name in found} == {behaviour}


@pytest.mark.usefixtures("core")
@pytest.mark.parametrize("behaviour", SAMPLES)
def test_a_capture_is_judged_as_the_stream_is(tmp_path: Path, behaviour: str) -> None:
    capture = tmp_path / "x.pcap"
    capture.write_bytes(f.pcap(*SAMPLES[behaviour], *HARMLESS["answered"]))
    assert afterwards(capture) == streamed(capture) != Counter()


def test_real_captures_are_judged_as_the_stream_is(shared_dir: Path) -> None:
    found: Counter[tuple[str, str]] = Counter()
    for folder in ("attacks", "devices/ics-s4", "devices/other", "netml"):
        for path in sorted((shared_dir / "data" / folder).rglob("*.pcap")):
            told = afterwards(path)
            assert told == streamed(path), path
            found += told
    assert len({name for _, name in found}) > 5


def test_where_one_direction_is_missing_acknowledged_sessions_have_not_failed(
    tmp_path: Path,
) -> None:
    """A mirror of one direction: no answer is seen, but the handshakes were finished."""
    frames = []
    for i in range(60):
        frames.append(attacks.asked(i * 0.1, attacks.host(i), 40_000 + i, 443))
        frames.append(attacks.asked(i * 0.1 + 0.05, attacks.host(i), 40_000 + i, 443, f.ACK))
    frames.sort()
    assert names(tmp_path, frames + attacks.end()) == []
    assert streamed(tmp_path / "x.pcap") == Counter()


@pytest.mark.parametrize("sample", HARMLESS)
def test_less_is_not_reported(tmp_path: Path, sample: str) -> None:
    assert names(tmp_path, HARMLESS[sample]) == []


@pytest.mark.parametrize(
    "frames",
    [
        attacks.partners(every=4),  # too few are there
        attacks.cut_off(port=445),  # nothing that everybody asks for
        attacks.cut_off(until=40),  # others are answered meanwhile
        attacks.made_up(),  # acknowledgements of answers that there are none
        attacks.made_up(outside=True),  # by one whom nobody inside has answered
        attacks.cut_off(60),  # more than anybody asks for while the way out is down
        sorted(attacks.horizontal(port=443) + attacks.visits(outside=True)),  # web pages beside it
    ],
)
def test_who_scans_among_answers_is_named(tmp_path: Path, frames: Sequence[f.Frame]) -> None:
    assert names(tmp_path, frames) == [(attacks.BAD_TEXT, "horizontal-scan")]
    assert streamed(tmp_path / "x.pcap") == Counter({(attacks.BAD_TEXT, "horizontal-scan"): 1})


def test_a_router_whose_frames_carry_both_ways_is_no_scanner(tmp_path: Path) -> None:
    """A mirror of what leaves the access ports shows its MAC on questions and on answers."""
    assert names(tmp_path, attacks.forged(60, port=443)) == []
    assert streamed(tmp_path / "x.pcap") == Counter()


def test_answers_that_are_made_up_hide_no_others(tmp_path: Path) -> None:
    hidden = []
    for frame in attacks.guesses():
        hidden.append(frame)
        if frame.data[6:12] == attacks.BAD:
            port = int.from_bytes(frame.data[34:36], "big")
            reply = f.ipv4(f.tcp(22, port, f.SYN | f.ACK), 6, f.IP_B, attacks.BAD_IP)
            made_up = f.ethernet(reply, src=attacks.BAD, dst=f.B)
            hidden.append(f.Frame(frame.time + f.SECOND // 1000, made_up))
    assert names(tmp_path, hidden) == [(attacks.BAD_TEXT, "brute-force")]
    assert streamed(tmp_path / "x.pcap") == Counter([(attacks.BAD_TEXT, "brute-force")])


@pytest.mark.parametrize("capture", sorted(CAPTURES.glob("*.pcap*")), ids=lambda p: p.name)
def test_the_shipped_captures_of_good_devices_are_quiet(capture: Path) -> None:
    assert behaviours_in(capture, Parameters()) == []


@pytest.mark.parametrize(
    ("capture", "expected"),
    [
        ("attacks/scan/ndpi_synscan.pcap", {"syn-flood", "vertical-scan"}),
        ("attacks/bruteforce/ppa_ftp_crack.pcap", {"brute-force"}),
        ("attacks/beacon/slips_cc_2s.pcap", {"beacon"}),
        ("attacks/c2/slips_test7_malicious.pcap", {"horizontal-scan"}),
        ("devices/ics-s4/Modicon.pcap", {"syn-flood", "vertical-scan"}),
    ],
)
def test_real_attacks_are_found(shared_dir: Path, capture: str, expected: set[str]) -> None:
    found = behaviours_in(shared_dir / "data" / capture, Parameters())
    assert {one.finding.name for one in found} == expected


def test_the_shipped_file_has_every_parameter_at_its_default() -> None:
    import yaml

    file = ROOT / "configs" / "behaviours.yaml"
    assert load_parameters(file) == Parameters()
    written = yaml.safe_load(file.read_text(encoding="utf-8"))
    default = {name: value._asdict() for name, value in Parameters()._asdict().items()}
    assert {name: set(values) for name, values in written.items()} == {
        name: set(values) for name, values in default.items()
    }


def test_changed_parameters_count(tmp_path: Path) -> None:
    file = tmp_path / "b.yaml"
    file.write_text("horizontal_scan: {targets: 10}\nbrute_force: {ports: [22]}\n")
    parameters = load_parameters(file)
    assert parameters.horizontal_scan.targets == 10
    assert parameters.vertical_scan.targets == 25
    assert parameters.brute_force.ports == (22,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("horizontal_scam: {}", ":1:1: horizontal_scam: no such behaviour; did you mean"),
        ("flood: {sin: 3}", ":1:9: flood.sin: no such parameter; did you mean 'syn'?"),
        ("flood: {syn: -3}", ":1:14: flood.syn: a number above 0 is expected, not -3"),
        ("flood: {syn: .inf}", "a number is expected, not .inf"),
        ("beacon: {jitter: nan}", "a number above 0 is expected"),
        ("flood: {syn: [1]}", "a number is expected, not more than one value"),
        ("brute_force: {ports: 22}", "a list of ports is expected"),
        ("brute_force: {ports: [70000]}", "a list of ports, 0 to 65535, is expected"),
        ("flood: {syn: 1, syn: 2}", "flood.syn: given twice"),
        ("[]", "the file: a mapping is expected"),
        ("a: [", ":1:5: expected the node content"),
        ("brute_force: {ports: {1: 2}}", "brute_force.ports: one value is expected"),
        ("brute_force: {ports: [²]}", "a list of ports, 0 to 65535, is expected"),
        ("flood: {syn: 1}\nbeacon: {calls: x}\nflud: {}", ":3:1: flud: no such behaviour"),
        ("brute_force: {ports: [[" + "1" * 5000 + "]]}", "one value is expected"),
    ],
)
def test_wrong_parameters_are_named_with_their_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "b.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"b\.yaml") as error:
        load_parameters(file)
    assert said in str(error.value)


GATEWAY, OTHER, THIEF = (bytes((2, 0, 0, 0, 0, n)) for n in (1, 2, 0x66))


def spoke(time: float, mac: bytes) -> f.Frame:
    content = f.arp(2, sha=mac, spa=f.IP_A, tha=OTHER, tpa=f.IP_B)
    return f.Frame(attacks.at(time), f.ethernet(content, 0x0806, src=mac, dst=OTHER))


def sent(time: float, mac: bytes) -> f.Frame:
    content = f.ipv4(f.udp(53, 4000), 17, f.IP_A, f.IP_B)
    return f.Frame(attacks.at(time), f.ethernet(content, src=mac, dst=OTHER))


def told(tmp_path: Path, *packets: f.Frame) -> dict[str, str]:
    path = tmp_path / "x.pcap"
    path.write_bytes(f.pcap(*sorted(packets)))
    found = afterwards(path)
    assert found == streamed(path) == streamed(path, most=3)
    return {mac[-2:]: name for mac, name in found}


def test_a_thief_who_waited_for_a_silence_does_not_make_a_spoofer_of_the_owner(
    tmp_path: Path,
) -> None:
    claims = [spoke(t, THIEF) for t in range(131, 300, 10)]
    answers = [spoke(t + 0.5, GATEWAY) for t in (200, 210, 220, 230)]
    both = {"01": "address-conflict", "66": "address-conflict"}
    assert told(tmp_path, spoke(0, GATEWAY), *claims, *answers) == both
    # One whose packets go on has not been silent, and is known for long.
    packets = [sent(t, GATEWAY) for t in range(1, 131, 10)]
    assert told(tmp_path, spoke(0, GATEWAY), *packets, *claims) == {"66": "arp-spoofing"}
    # Who forwards what is another's is not its owner.
    forwarded = [sent(t, THIEF) for t in range(1, 131, 10)]
    assert told(tmp_path, spoke(0, GATEWAY), *forwarded, *claims) == {}


def test_a_thief_who_was_there_from_the_start_does_not_make_a_spoofer_of_the_owner(
    tmp_path: Path,
) -> None:
    claims = [spoke(t, THIEF) for t in range(0, 200, 10)]
    answers = [spoke(t, GATEWAY) for t in (5, 15, 25, 35)]
    both = {"01": "address-conflict", "66": "address-conflict"}
    assert told(tmp_path, *claims, *answers) == both
