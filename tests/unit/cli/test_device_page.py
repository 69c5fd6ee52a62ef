"""All about one device, for a help desk."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.cli.device_page import WORDS, page
from plugin.cli.device_rows import STATES
from tests.services import GHOST, LAPTOP, NOW, PRINTER, SCAN, case, device, office, role


def told(document: dict[str, Any], **options: Any) -> str:
    return page(document, NOW, **{"width": None, "colour": False, **options})


def entry(kind: str, **body: Any) -> dict[str, Any]:
    return {"time": NOW, "kind": kind, "body": {"mac": LAPTOP, **body}}


def test_one_that_scans() -> None:
    text = told(office()[1])
    for words in (
        f"{LAPTOP}  ann-laptop\n",
        "switch sw1, port 2, VLAN 100",
        "10.0.0.12, fe80::2",
        "it made its MAC address up",
        "2023-11-14T22:11:20Z, 2 min ago",
        "suspect: it does what it should not",
        "Workstation (81% sure), says model device",
        "anomalous: it does what no such device should",
        "horizontal-scan: 412 hosts on port 445 in 60 s (score 412, odd from 30 on)",
        "evidence    port 445, hosts 412",
        "1 judged",
    ):
        assert words in text, words
    assert "history" not in text


def test_one_that_nothing_is_known_of() -> None:
    text = told(office()[2])
    assert f"{GHOST}\n" in text
    for words in ("none was seen", "role        not judged yet", "0 judged", "is not copied"):
        assert words in text, words
    assert "not known from its MAC address" in text


def test_a_guess_is_told_as_one() -> None:
    text = told(device(PRINTER, role=role("Printer", 0.4, "unknown"), vendor="Brother"))
    assert "unknown: it is below the model's threshold of 0.60 (model device)" in text
    assert "or rather   Printer (40% sure)" in text
    assert "maker       Brother" in text


def test_novelty_and_change() -> None:
    finding = {
        "name": "n",
        "score": 2.5,
        "threshold": 1.0,
        "reasons": ["new ports"],
        "evidence": [],
    }
    odd: dict[str, Any] = {"verdict": "novel", "novelty": finding, "change": None, "behaviour": []}
    text = told(device(PRINTER, anomaly=odd))
    words = "it is unlike what is known of its role, or of no known role; new is not bad"
    assert f"novel: {words}" in text
    assert "novelty     n: new ports (score 2.5, odd from 1 on)" in text


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (
            entry(
                "verdict", capture="t.pcap", verdict={"role": role("Printer", 0.9), "packets": 275}
            ),
            "verdict: Printer 0.90, known, in t.pcap; 275 packets",
        ),
        (
            entry(
                "finding",
                capture=None,
                verdict={
                    "role": role("Printer", 0.2, "unknown"),
                    "anomaly": {"verdict": "anomalous", "behaviour": [SCAN]},
                },
            ),
            "finding: horizontal scan: 412 hosts on port 445 in 60 s",
        ),
        (
            entry("unjudged", capture="t.pcap", reason="no IP session"),
            "unjudged: t.pcap could not be judged: no IP session",
        ),
        (entry("alarm", alarm="twice", text="on two ports"), "alarm: on two ports"),
        (entry("device", dp="sw1", port=3, vid=9), "device: on switch sw1, port 3, VLAN 9"),
        (entry("gone"), "gone: it left the network"),
    ],
)  # fmt: skip
def test_history(what: dict[str, Any], words: str) -> None:
    text = told(device(LAPTOP, history=[what]))
    assert f"  2023-11-14T22:13:20Z  {words}\n" in text


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_its_words(state: str) -> None:
    assert f"{state}: {WORDS[state]}" in told(device(PRINTER, state=state))


def test_it_fits_the_terminal() -> None:
    text = told(office()[1] | {"history": [entry("alarm", text="long " * 40)]}, width=60)
    assert max(map(len, text.splitlines())) <= 60
    assert "\n              " in text


def test_colours_and_foreign_text() -> None:
    text = told(office()[1] | {"name": "\x1b[2Jevil"}, colour=True)
    assert "\x1b[31msuspect" in text
    assert "\\x1b[2Jevil" in text


def test_no_bad_behaviour_is_told_as_such() -> None:
    quiet: dict[str, Any] = {
        "verdict": "undetermined",
        "novelty": None,
        "change": None,
        "behaviour": [],
    }
    text = told(device(PRINTER, anomaly=quiet))
    assert "behaviour   no bad behaviour found\n" in text
    assert "too little" not in text


def test_one_that_only_the_mirror_port_has_shown() -> None:
    assert "only the mirror port has shown it" in told(device(PRINTER, dp=None, port=None))


def test_what_isolates_it_until_when_and_what_reaches_it_still() -> None:
    decided = case(7, action="quarantine", notes=["dhcp is left out"])
    text = told(device(LAPTOP, state="isolated", case=decided))
    for words in (
        "state       isolated: it is isolated",
        "decision    case 7, quarantine: it is isolated",
        "began by    scanners",
        "in 1 h",
        "proof       proven: read back from every hooked port",
        "but         dhcp is left out",
        "still reach it; only moving its port to another VLAN ends that (--action revlan:NAME",
    ):
        assert words in text, words
    assert "decision" not in told(device(LAPTOP, case=case(state="over")))
    assert "decision" not in told(device(LAPTOP, case=None))


PAST = {
    "windows": 5,
    "since": NOW - 3 * 3600,
    "last": NOW - 60,
    "warm": False,
    "needs": {"windows": 12, "seconds": 86_400.0},
    "waiting": 0,
}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "5 windows of its own since 2023-11-14T19:13:20Z; it only learns yet"),
        ({}, "it only learns yet: 12 windows over 1 d are needed"),
        ({"since": NOW - 90_000}, "it only learns yet: 12 windows are needed"),
        ({"warm": True}, "it is compared with them\n"),
        ({"warm": True, "waiting": 2}, "with them; 2 changed ones are not taken for usual yet\n"),
    ],
)
def test_how_much_is_known_of_its_past(fields: dict[str, Any], words: str) -> None:
    assert words in told(device(PRINTER) | {"past": PAST | fields})


def test_nothing_is_said_of_a_past_that_nobody_knows() -> None:
    assert "its past" not in told(device(PRINTER) | {"past": None})
    assert "its past" not in told(device(PRINTER))


def test_a_device_that_is_as_before_is_said_to_be_so() -> None:
    same = {"name": "change", "score": 0.2, "threshold": 1.0, "evidence": [],
            "reasons": ["as in one of 12 kept of 40 earlier windows of its own"]}  # fmt: skip
    found: dict[str, Any] = {
        "verdict": "undetermined",
        "novelty": None,
        "change": same,
        "behaviour": [],
    }
    text = told(device(PRINTER) | {"anomaly": found})
    assert "no bad behaviour found" in text
    assert "change: as in one of 12 kept of 40 earlier windows of its own" in text
