"""Whether whom the daemon becomes can isolate anybody."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plugin.faucet import files
from plugin.offline.doctor.check import Check, State
from plugin.offline.doctor.isolation import isolation
from tests.doctors import wanted
from tests.grounds import isolation as isolated
from tests.grounds import site
from tests.isolated import on_disk
from tests.nobody import NOBODY
from tests.services import open_folder

PID = 77
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def place() -> Iterator[Path]:
    """An installation of root's, which all may read."""
    with open_folder() as folder:
        on_disk(folder, site(), isolated("block", 1))
        (folder / "proc" / str(PID)).mkdir(parents=True)
        yield folder


@pytest.fixture(autouse=True)
def running(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Faucet of root's."""
    found = files.Faucet(PID, {}, ())
    monkeypatch.setattr(files, "find_faucet", lambda *_: found)


def look(place: Path, **values: Any) -> Check:
    settings = wanted(place, faucet__config=place / "faucet.yaml", **values)
    return isolation(settings, place / "proc")


def test_root_may_all(place: Path) -> None:
    assert look(place).state is State.OK


def test_who_may_not_write_there_is_told_before_the_first_isolation(place: Path) -> None:
    found = look(place, run__user="nobody")
    assert found.state is State.FAILED
    assert f"nobody cannot isolate anybody: {place} may not be written" in found.what
    assert f"Faucet (process {PID}) is another user's and cannot be signalled" in found.what
    assert f"chown nobody {place}" in str(found.remedy)
    assert os.geteuid() == 0


def test_each_step_that_the_remedy_names_is_needed(place: Path) -> None:
    os.chown(place, NOBODY, NOBODY)
    found = look(place, run__user="nobody", isolation__adapter="stat")
    assert "halia_isolation.yaml belongs to another user" in found.what
    assert "signalled" not in found.what
    for one in place.glob("halia_*"):
        os.chown(one, NOBODY, NOBODY)
    assert look(place, run__user="nobody", isolation__adapter="stat").state is State.OK
    assert "signalled" in look(place, run__user="nobody").what
    os.chown(place / "proc" / str(PID), NOBODY, NOBODY)
    assert look(place, run__user="nobody").state is State.OK


def test_what_writes_nothing_needs_nothing(place: Path) -> None:
    assert look(place, run__user="nobody", isolation__adapter="dry-run").state is State.SKIPPED
    rpc = {
        "isolation__adapter": "confrpc", "isolation__confrpc_address": "faucet:59999",
        "isolation__confrpc_ca": place / "ca", "isolation__confrpc_cert": place / "cert",
        "isolation__confrpc_key": place / "key",
    }  # fmt: skip
    assert look(place, run__user="nobody", **rpc).state is State.SKIPPED
    (place / "halia_install.json").unlink()
    assert look(place, run__user="nobody").state is State.SKIPPED
    (place / "faucet.yaml").unlink()
    assert look(place, run__user="nobody").state is State.SKIPPED
