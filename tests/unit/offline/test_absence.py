"""Whether isolations are gone from switches that a made-up reader reads."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest

from plugin.errors import FaucetFileError
from plugin.faucet.probe import Probe
from plugin.offline.absence import Absence, absence, probing
from plugin.offline.faucet import read_place
from tests.grounds import Site, isolation, site
from tests.isolated import fill, include, on_disk, switch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from plugin.faucet.flows import Flow

BOTH = (isolation("block", 1), isolation("block", 2))


def looked(
    folder: Path,
    one: Site,
    flows: Mapping[int, Sequence[Flow]],
    *cookies: int,
    everybody: bool = False,
) -> Absence:
    place = read_place(on_disk(folder, one))
    probe = switch(folder / "flows", flows)
    return absence(place, frozenset(cookies), lambda: probe, everybody=everybody, seconds=0.0)


def test_gone_from_every_switch(tmp_path: Path) -> None:
    one = site(second=True)
    found = looked(tmp_path, one, one.flows(), 1, 2, everybody=True)
    assert found == (True, "proven: no switch has a rule about it any more")


def test_what_stands_still_is_not_gone(tmp_path: Path) -> None:
    one = site()
    found = looked(tmp_path, one, one.flows(include(one, *BOTH)), 1, 2)
    assert found == (False, "not gone: rules of 2 isolations stand at a switch still")


def test_isolations_of_others_only_count_when_all_are_to_be_gone(tmp_path: Path) -> None:
    one = site()
    flows = one.flows(include(one, BOTH[1]))
    assert looked(tmp_path, one, flows, 1).gone
    assert not looked(tmp_path, one, flows, 1, everybody=True).gone


def test_a_switch_that_is_not_there_proves_nothing(tmp_path: Path) -> None:
    one = site(second=True)
    flows = one.flows()
    del flows[2]
    assert looked(tmp_path, one, flows, 1) == (False, "not proven: sw2 was not read")
    assert not looked(tmp_path, one, {}, 1).gone


def test_it_is_waited_for(tmp_path: Path) -> None:
    one = site()
    place = read_place(on_disk(tmp_path, one))
    probe = switch(tmp_path / "flows", one.flows(include(one, *BOTH)))
    later = threading.Timer(0.2, lambda: fill(tmp_path / "flows", one.flows()))
    later.start()
    found = absence(place, frozenset({1, 2}), lambda: probe, everybody=True, seconds=30.0)
    later.join()
    assert found.gone


def test_a_reader_that_does_not_work_proves_nothing(tmp_path: Path) -> None:
    place = read_place(on_disk(tmp_path, site()))
    broken = Probe(command=[sys.executable, "-c", "pass"])
    found = absence(place, frozenset({1}), lambda: broken, everybody=True, seconds=5.0)
    assert not found.gone
    assert found.words.startswith("not proven: ")


def test_a_file_that_is_none(tmp_path: Path) -> None:
    place = read_place(on_disk(tmp_path, site()))._replace(text="- a list\n")
    with pytest.raises(FaucetFileError):
        absence(place, frozenset(), Probe, everybody=True, seconds=0.0)


def test_where_the_settings_say() -> None:
    assert probing(None) is None
    found = probing("[::1]:6654")
    assert found is not None
    assert found().place == "::1:6654"
