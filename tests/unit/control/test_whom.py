"""Whom an order means."""

from __future__ import annotations

import pytest

from plugin.control.whom import Known, mac_in, whom
from plugin.errors import DeniedError

A, B, C = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c"
KNOWN = [
    Known(A, ("10.0.0.1", "fe80::1"), "Printer"),
    Known(B, ("10.0.0.2", "fe80::1"), "10.0.0.1"),
    Known(C, (), "PRINTER"),
]


@pytest.mark.parametrize(
    ("text", "mac"),
    [
        (A, A),
        ("02-00-00-00-00-0A", A),
        ("02:00:00:00:00:ff", "02:00:00:00:00:ff"),
        ("10.0.0.2", B),
        ("10.0.0.9", None),
        ("nobody", None),
        ("", None),
    ],
)
def test_one_or_none(text: str, mac: str | None) -> None:
    assert whom(text, KNOWN) == mac


def test_an_address_goes_before_the_name_that_somebody_gives_himself() -> None:
    assert whom("10.0.0.1", KNOWN) == A


@pytest.mark.parametrize(("text", "both"), [("printer", (A, C)), ("FE80::1", (A, B))])
def test_nobody_guesses_between_two(text: str, both: tuple[str, str]) -> None:
    with pytest.raises(DeniedError, match="could be any of 2 devices") as error:
        whom(text, KNOWN)
    assert all(mac in str(error.value) for mac in both)


def test_many_are_counted() -> None:
    many = [Known(f"02:00:00:00:01:{n:02x}", (), "x\n") for n in range(30)]
    with pytest.raises(DeniedError, match="and 20 more") as error:
        whom("x", [*many, *(one._replace(name="x") for one in many)])
    assert "\n" not in str(error.value)


def test_the_same_device_twice_is_one() -> None:
    assert whom("printer", [KNOWN[0], KNOWN[0]]) == A


@pytest.mark.parametrize("text", ["fe80::1", "10.0.0.1", "aa:bb::cc:dd:ee:f", "printer", ""])
def test_what_is_no_mac_address(text: str) -> None:
    assert mac_in(text) is None
