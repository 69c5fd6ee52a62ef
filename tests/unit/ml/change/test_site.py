"""What is usual at a site: a row of each device, by role."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from plugin.ml.change.distance import layout
from plugin.ml.change.document import OtherFeaturesError
from plugin.ml.change.site import (
    AT_A_PORT,
    DEVICES,
    EVERY,
    HOUR,
    NEW,
    ROLES,
    UNSEEN,
    Site,
    from_site,
    to_site,
)

if TYPE_CHECKING:
    from collections.abc import Callable

HOW = layout("s", ("a", "b"), {"all": [0, 1]})


def row(value: float) -> Any:
    return np.array([value, 0.0], np.float32)


def test_each_device_of_a_role_gives_one_row() -> None:
    site = Site(HOW).noted("Printer", "m1", row(1), 0).noted("Printer", "m2", row(2), 0)
    assert site.rows("Printer")[:, 0].tolist() == [1, 2]
    assert site.rows("Printer", besides="m1")[:, 0].tolist() == [2]
    assert site.rows("Server").shape == (0, 2)


def test_a_row_stands_for_some_hours() -> None:
    site = Site(HOW).noted("Printer", "m", row(1), 0)
    assert site.noted("Printer", "m", row(2), EVERY - 1) is site
    assert site.noted("Printer", "m", row(2), EVERY).rows("Printer")[:, 0].tolist() == [2]
    assert site.noted("Printer", "m", row(2), -1).rows("Printer")[:, 0].tolist() == [2]


def test_a_device_stands_in_its_last_role_only() -> None:
    site = Site(HOW).noted("Printer", "m", row(1), 0).noted("Server", "m", row(2), 1)
    assert list(site.roles) == ["Server"]


def full(pause: float = HOUR) -> Site:
    site = Site(HOW)
    for number in range(DEVICES):
        site = site.noted("Printer", f"m{number}", row(number), number * pause)
    assert len(site.rows("Printer")) == DEVICES
    return site


def test_of_many_devices_the_longest_unseen_is_left_out() -> None:
    site = full().noted("Printer", "new", row(-1), UNSEEN)
    assert len(site.rows("Printer")) == DEVICES
    assert -1.0 in site.rows("Printer")[:, 0]
    assert 0.0 not in site.rows("Printer")[:, 0]


def test_who_comes_under_forged_names_puts_nobody_out() -> None:
    site = full()
    later = DEVICES * HOUR
    assert site.noted("Printer", "new", row(-1), later) is site
    rows = site.noted("Printer", "m7", row(-1), later).rows("Printer")[:, 0]
    assert sorted(rows.tolist()) == sorted({*range(DEVICES), -1} - {7})


def test_a_role_takes_few_new_devices_in_an_hour() -> None:
    site = Site(HOW)
    for number in range(100):
        site = site.noted("Printer", f"m{number}", row(number), number)
    assert site.rows("Printer")[:, 0].tolist() == list(range(NEW))
    assert len(site.noted("Server", "s", row(1), 99).rows("Server")) == 1
    again = from_site(json.loads(json.dumps(to_site(site))), HOW)
    for at, taken in ((HOUR - 1, NEW), (HOUR, NEW + 1)):
        assert len(again.noted("Printer", "new", row(1), at).rows("Printer")) == taken
    # A newer row of one that is there makes it no new device.
    same = site.noted("Printer", "m0", row(1), EVERY)
    assert len(same.noted("Printer", "new", row(1), EVERY).rows("Printer")) == NEW + 1


def test_a_role_takes_few_devices_from_one_port() -> None:
    site = Site(HOW)
    for number in range(2 * AT_A_PORT):
        site = site.noted("Printer", f"m{number}", row(number), number * HOUR, "sw1 1")
    assert site.rows("Printer")[:, 0].tolist() == list(range(AT_A_PORT))
    later = 2 * AT_A_PORT * HOUR
    again = from_site(json.loads(json.dumps(to_site(site))), HOW)
    assert again.noted("Printer", "new", row(9), later, "sw1 1") is again
    assert len(again.noted("Printer", "new", row(9), later, "sw1 2").rows("Printer")) > AT_A_PORT
    assert len(again.noted("Printer", "new", row(9), later).rows("Printer")) > AT_A_PORT
    assert len(again.noted("Server", "new", row(9), later, "sw1 1").rows("Server")) == 1
    # Who is in it stays, and keeps his port where it is not said again.
    same = again.noted("Printer", "m0", row(7), later)
    assert same.roles["Printer"]["m0"].port == "sw1 1"


def test_a_site_that_does_not_tell_ports_is_read() -> None:
    old = to_site(Site(HOW).noted("Printer", "m", row(1), 5, "sw1 1"))
    del old["roles"]["Printer"]["ports"]
    assert from_site(old, HOW).roles["Printer"]["m"].port == ""


def test_roles_are_bounded() -> None:
    site = Site(HOW)
    for number in range(ROLES + 5):
        site = site.noted(f"role {number}", f"m{number}", row(1), 0)
    assert len(site.roles) == ROLES


def test_a_site_comes_back_as_it_was() -> None:
    site = Site(HOW).noted("Printer", "m1", row(1), 5).noted("Server", "m2", row(2), 6)
    back = from_site(json.loads(json.dumps(to_site(site))), HOW)
    assert back.rows("Server").tolist() == [[2.0, 0.0]]
    assert back.roles["Printer"]["m1"].time == 5
    assert from_site(to_site(Site(HOW)), HOW).roles == {}


def changed(**fields: Any) -> dict[str, Any]:
    document = to_site(Site(HOW).noted("Printer", "m1", row(1), 5))
    document["roles"]["Printer"] |= fields
    return document


@pytest.mark.parametrize(
    "make",
    [
        dict,
        list,
        lambda: to_site(Site(HOW)) | {"format": 0},
        lambda: to_site(Site(HOW)) | {"roles": [1]},
        lambda: changed(times=[]),
        lambda: changed(devices=[]),
        lambda: changed(rows="%"),
        lambda: changed(rows=None),
        lambda: changed(ports=[]),
    ],
)
def test_what_is_no_site_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_site(make(), HOW)


def test_a_site_of_another_feature_set_is_told_apart() -> None:
    with pytest.raises(OtherFeaturesError):
        from_site(to_site(Site(HOW)) | {"schema": "other"}, HOW)
