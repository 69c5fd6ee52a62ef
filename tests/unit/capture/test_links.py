from __future__ import annotations

from plugin.capture.links import DECODED, NAMES, link_name, not_decoded


def test_names() -> None:
    assert link_name(1) == "ethernet"
    assert link_name(65_000) == "linktype-65000"


def test_every_decoded_link_type_has_a_name() -> None:
    assert set(NAMES) >= DECODED


def test_what_is_not_decoded() -> None:
    assert not_decoded(["ethernet", "raw", "netlink", "linktype-65000"]) == [
        "netlink",
        "linktype-65000",
    ]
