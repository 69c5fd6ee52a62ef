"""A model of suspicion from captures, and what it says of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from plugin.ml.behaviour.parameters import Parameters
from plugin.ml.devices import addresses_of, devices_of
from plugin.ml.store import save_model
from plugin.ml.suspicion import Suspicion
from plugin.offline.behaviours import NO_LINK, Anomalies, findings_of
from plugin.offline.classify import Options, classify_capture, load_models, load_signs
from plugin.offline.harmless import Harmless, make_suspicion
from plugin.offline.read import read_capture
from plugin.offline.suspicion import Suspicions, load_suspicions
from tests import attacks as a
from tests import frames as f

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from plugin.ml.verdict import Verdict


def written(path: Path, frames: Sequence[f.Frame]) -> Path:
    path.write_bytes(f.pcap(*frames))
    return path


@pytest.fixture
def model(tmp_path: Path) -> Suspicion:
    """Of two families that each fail to reach a host or two."""
    one = Harmless(written(tmp_path / "one.pcap", a.horizontal(1)), "plug")
    other = Harmless(written(tmp_path / "other.pcap", a.horizontal(2)), "camera")
    return make_suspicion([one, other] * 10)


def verdicts(path: Path, model: Suspicion | None, *, watched: bool = True) -> dict[str, Verdict]:
    from plugin.offline.classify import DEFAULTS

    capture = read_capture(path, watched=watched)
    options = Options(behaviours=DEFAULTS if watched else None, suspicion=model)
    found = classify_capture(capture, load_models("enterprise"), options)
    return {one.mac or "": one for one in found}


def test_fewer_than_a_scan_needs_is_suspicious_where_nobody_harmless_does_it(
    tmp_path: Path, model: Suspicion
) -> None:
    path = written(tmp_path / "x.pcap", a.horizontal(20))
    anomaly = verdicts(path, model)[a.BAD_TEXT].anomaly
    assert anomaly is not None
    assert anomaly.verdict == "anomalous"
    (found,) = anomaly.behaviour
    assert found.name == "suspicion"
    assert any("20 connections asked for without" in reason for reason in found.reasons)
    without = verdicts(path, None)[a.BAD_TEXT].anomaly
    assert without is not None
    assert without.verdict == "undetermined"


def test_what_harmless_devices_do_is_not(tmp_path: Path, model: Suspicion) -> None:
    path = written(tmp_path / "x.pcap", a.horizontal(2))
    found = verdicts(path, model)
    assert {one.anomaly.verdict for one in found.values() if one.anomaly} == {"undetermined"}


def test_a_misdeed_that_has_a_name_needs_no_suspicion(tmp_path: Path, model: Suspicion) -> None:
    anomaly = verdicts(written(tmp_path / "x.pcap", a.horizontal(40)), model)[a.BAD_TEXT].anomaly
    assert anomaly is not None
    assert [one.name for one in anomaly.behaviour] == ["horizontal-scan"]


def test_nothing_looks_where_behaviours_are_not_looked_for(
    tmp_path: Path, model: Suspicion
) -> None:
    path = written(tmp_path / "x.pcap", a.horizontal(20))
    assert verdicts(path, model, watched=False)[a.BAD_TEXT].anomaly is None


def test_a_device_without_rows_is_told_nothing_about(tmp_path: Path, model: Suspicion) -> None:
    capture = read_capture(written(tmp_path / "x.pcap", a.vertical(3)[:-1]), watched=True)
    devices = devices_of(capture)
    nobody = addresses_of(capture, devices)
    assert not nobody.relays.any()
    found = [Suspicions(capture, devices, nobody, model).of(k) for k in range(len(devices))]
    assert [one is None for one in found] == [mac != a.BAD_TEXT for mac in devices.macs]
    assert Suspicions(capture, devices, nobody, None).of(0) is None
    said = Suspicions(capture, devices, nobody._replace(relays=~nobody.relays), model)
    assert {said.of(k) for k in range(len(devices))} == {None}, "relays all of them"


def test_signs_are_counted_in_the_models_windows(tmp_path: Path, model: Suspicion) -> None:
    frames = [a.asked(i if i < 9 else 990 + i, a.host(i), 5, 445) for i in range(16)]
    path = written(tmp_path / "x.pcap", frames)
    hour = model._replace(manifest=model.manifest._replace(window_seconds=3600.0))
    for one, hosts in ((model, 9), (hour, 16)):
        anomaly = verdicts(path, one)[a.BAD_TEXT].anomaly
        assert anomaly is not None
        assert anomaly.behaviour[0].evidence[0] == f"bare_syn {hosts}"


def test_a_router_is_not_suspected_for_those_behind_it(tmp_path: Path, model: Suspicion) -> None:
    packets = [f.ipv4(f.tcp(5, 445, f.SYN), 6, a.host(i % 4), a.host(100 + i)) for i in range(20)]
    sent = [a.sent(i / 10, one) for i, one in enumerate(packets)]
    alone = verdicts(written(tmp_path / "x.pcap", sent), model)[a.BAD_TEXT].anomaly
    assert alone is not None
    assert alone.verdict == "anomalous", "nothing shows that it is a router"
    for i in range(4):
        there = f.ipv4(f.udp(7, 53), 17, f.IP_B, a.host(i))
        sent.append(f.Frame(a.at(5 + i), f.ethernet(there, src=f.B, dst=a.BAD)))
        sent.append(a.sent(5.5 + i, f.ipv4(f.udp(53, 7), 17, a.host(i), f.IP_B)))
    anomaly = verdicts(written(tmp_path / "y.pcap", sent), model)[a.BAD_TEXT].anomaly
    assert anomaly is not None
    assert anomaly.verdict == "undetermined"


def test_what_lasts_is_told_once_as_it_was_at_last(tmp_path: Path) -> None:
    long = read_capture(written(tmp_path / "x.pcap", a.beacons(60, 60)), watched=True)
    told = findings_of(long, Parameters())
    assert len(told) > 2
    (found,) = (one for one in [Anomalies(long, Parameters()).of(a.BAD_TEXT)] if one)
    assert found.behaviour == (told[-1].finding,)
    # Of others there are as many as there is other evidence.
    both = sorted([*a.beacons(60, 60), *a.horizontal(40)], key=lambda one: one.time)
    mixed = Anomalies(
        read_capture(written(tmp_path / "y.pcap", both), watched=True), Parameters()
    ).of(a.BAD_TEXT)
    assert mixed is not None
    assert [one.name for one in mixed.behaviour] == ["horizontal-scan", "beacon"]


def test_without_link_addresses_it_is_said_that_behaviours_are_not_looked_for(
    tmp_path: Path,
) -> None:
    capture = read_capture(written(tmp_path / "x.pcap", a.horizontal(1)), watched=True)
    assert Anomalies(capture, Parameters()).warnings(None, relay=False) == (NO_LINK,)
    assert Anomalies(capture, Parameters()).warnings(a.BAD_TEXT, relay=False) == ()
    assert Anomalies(capture, None).warnings(None, relay=False) == ()


def test_a_suspicion_alone_is_an_anomaly_even_without_a_link_address(tmp_path: Path) -> None:
    from plugin.ml.behaviour.finding import Finding

    capture = read_capture(written(tmp_path / "x.pcap", a.horizontal(1)), watched=True)
    anomalies = Anomalies(capture, None)
    strong, weak = (Finding("suspicion", score, 1.0, (), ()) for score in (1.0, 0.5))
    found = anomalies.of(None, None, strong)
    assert found is not None
    assert found.verdict == "anomalous"
    assert anomalies.of(None, None, weak) is None


def test_it_is_kept_as_other_models_are(tmp_path: Path, model: Suspicion) -> None:
    saved = save_model(model, tmp_path / "suspicion")
    again = load_suspicions("suspicion", [tmp_path])
    assert again is not None
    assert again.manifest == saved.manifest
    assert np.array_equal(again.arrays["floor"], model.arrays["floor"])
    assert load_suspicions("suspicion", [tmp_path / "nothing"]) is None
    assert model.manifest.metrics["captures"] == 20


def test_the_shipped_one_is_there() -> None:
    shipped = load_signs()
    assert shipped is not None
    assert shipped.manifest.threshold >= 1
    assert shipped.manifest.metrics["alarms"] <= shipped.manifest.alarms


def test_a_policy_can_name_it() -> None:
    from plugin.ml.suspicion import NAME
    from plugin.offline.policy import SUSPICION, read_known

    assert SUSPICION == NAME
    rule = "{name: r, match: {behaviours: [suspicion]}, action: block}"
    read_known(f"halia-policy: 1\nrules: [{rule}]\n", "p.yaml")
