"""What is usual at a site: a row of each device, by role."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from plugin.ml.change.distance import layout
from plugin.ml.change.document import OtherFeaturesError
from plugin.ml.change.site import DEVICES, EVERY, ROLES, Site, from_site, to_site

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


def test_of_many_devices_the_longest_unseen_is_left_out() -> None:
    site = Site(HOW)
    for number in range(DEVICES + 1):
        site = site.noted("Printer", f"m{number}", row(number), number)
    assert len(site.rows("Printer")) == DEVICES
    assert 0.0 not in site.rows("Printer")[:, 0]


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
    ],
)
def test_what_is_no_site_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_site(make(), HOW)


def test_a_site_of_another_feature_set_is_told_apart() -> None:
    with pytest.raises(OtherFeaturesError):
        from_site(to_site(Site(HOW)) | {"schema": "other"}, HOW)
