"""What the demo promises, and when it says that it did not keep it."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.lab.bad import KINDS
from plugin.lab.isolation import Isolation
from plugin.lab.outcome import NAMES, Outcome, Row
from plugin.lab.proving import Cast, Reached
from plugin.ml import behaviour


def row(
    host: str, profile: str, truth: str | None, *, says: str | None = None, bad: bool = False
) -> Row:
    """A host of which Halia says this; None: that it does not know."""
    role: dict[str, Any] = {
        "decision": "unknown" if says is None else "known",
        "labels": [says or "Printer", "x", "y"],
        "confidences": [0.9, 0.1, 0.0],
    }
    found = [{"name": "vertical-scan"}] if bad else []
    anomaly = {"verdict": "anomalous" if bad else "undetermined", "behaviour": found}
    return Row(host, profile, truth, {"role": role, "anomaly": anomaly})


GOOD = (
    row("printer", "printer", "Printer", says="Printer"),
    row("files", "file server", "File share", says="File share"),
    row("anna", "workstation", "Workstation", says="Workstation"),
    row("ben", "workstation", "Workstation", bad=True),
    row("gadget", "unknown gadget", None),
)


def failures(*rows: Row, bad: str | None = "ben", named: float | None = 0.5) -> list[str]:
    return Outcome(rows, bad, named, live=True).failures()


def test_a_promise_that_is_kept_is_no_failure() -> None:
    assert failures(*GOOD) == []
    assert failures(*GOOD[:3], GOOD[4], bad=None, named=None) == []


def test_a_bad_host_must_be_called_what_it_is() -> None:
    assert set(NAMES) == set(KINDS)
    assert set().union(*NAMES.values()) == behaviour.NAMES
    scanned = Outcome(GOOD, "ben", 0.5, live=True, kind="brute")
    assert scanned.failures() == ["ben turned bad, and is not called so at the end"]


def test_the_only_printer_may_look_like_nobody_once_it_is_bad() -> None:
    printer = row("printer", "printer", "Printer", bad=True)
    others = (*GOOD[1:3], row("ben", "workstation", "W", says="W"), GOOD[4], printer)
    assert failures(*others, bad="printer") == []
    assert failures(*others, bad="ben") != []


def test_a_gadget_of_which_nothing_is_said_is_not_called_unknown() -> None:
    unseen = Row("gadget", "unknown gadget", None, None)
    assert failures(*GOOD[:4], unseen) == [
        "gadget (unknown gadget) is unseen, and should be unknown"
    ]


@pytest.mark.parametrize(
    ("rows", "named", "words"),
    [
        (GOOD[1:], 0.5, "no printer is recognised"),
        (GOOD, None, "ben turned bad, and was not named"),
        ((*GOOD[:3], GOOD[4]), 0.5, "ben turned bad, and is not called so at the end"),
        (GOOD, 30.1, "ben was named after 30 s only"),
        ((*GOOD, row("x", "mail relay", "Mail", bad=True)), 0.5, "x (mail relay) is call"),
        ((*GOOD, row("x", "mail relay", "Mail", says="Camera")), 0.5, "x (mail relay) is taken"),
        (
            (*GOOD[:4], row("g", "unknown gadget", None, says="Printer")),
            0.5,
            "g (unknown gadget) is",
        ),
    ],
)
def test_each_broken_promise_is_named(
    rows: tuple[Row, ...], named: float | None, words: str
) -> None:
    (found,) = failures(*rows, named=named)
    assert found.startswith(words)


def test_a_host_that_nobody_saw_claims_nothing() -> None:
    unseen = Row("x", "printer", "Printer", None)
    assert (unseen.decision, unseen.right, unseen.anomalous) == ("unseen", None, False)


def test_who_takes_his_time_may_be_named_late() -> None:
    late = Outcome(GOOD, "ben", 301.0, live=True)
    assert late.failures() == ["ben was named after 301 s only"]
    assert late._replace(within=330.0).failures() == []


CAST = Cast("ben", "anna", "files", "www", "10.0.0.5")
ALIVE, DEAD = Reached(4), Reached(0)
SHOWN = Isolation(
    CAST, 1.0, before=ALIVE, dead=DEAD, neighbour=ALIVE, remedy=ALIVE, released=True, again=ALIVE,
    trail=({"state": "isolated"},),
)  # fmt: skip


def test_an_isolation_that_was_seen_to_its_end_is_no_failure() -> None:
    assert Outcome(GOOD, "ben", 0.5, live=True, isolation=SHOWN).failures() == []


def test_who_is_innocent_must_be_left_in_peace() -> None:
    anna = GOOD[2]
    assert anna.device is not None
    isolated = anna._replace(device={**anna.device, "case": {"state": "isolated"}})
    found = failures(*GOOD[:2], isolated, *GOOD[3:])
    assert found == ["anna (workstation) is isolated, and should be left in peace"]
    ben = GOOD[3]._replace(device={**(GOOD[3].device or {}), "case": {"state": "isolated"}})
    assert failures(*GOOD[:3], ben, GOOD[4]) == []


def test_whose_address_the_bad_host_claims_may_be_told_of_the_dispute() -> None:
    def told(name: str, kind: str) -> list[str]:
        good = row("files", "file server", "File share", says="File share")
        anomaly = {"verdict": "anomalous", "behaviour": [{"name": name}]}
        robbed = good._replace(device={**(good.device or {}), "anomaly": anomaly})
        rows = (*GOOD[:1], robbed, *GOOD[2:])
        found = Outcome(rows, "ben", 0.5, live=True, kind=kind).failures()
        return [one for one in found if "files" in one]

    assert told("address-conflict", "arp-spoof") == []
    assert told("arp-spoofing", "arp-spoof") == ["files (file server) is called anomalous"]
    assert told("address-conflict", "scan") == ["files (file server) is called anomalous"]
