"""The tables of roles, of the open set and of minutes: who is left out when, and what is cut."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from plugin.ml.dataset import Cases
from plugin.offline.fitting import Parts
from plugin.offline.read import read_capture
from scripts.tables.minutes import cut
from scripts.tables.open_set import FOLDS, folds_of
from scripts.tables.recipes import recipe, share, table
from scripts.tables.roles import WAYS, left_out
from tests import frames as f
from tests import labelled

if TYPE_CHECKING:
    from pathlib import Path

TYPES = ["TP-LinkPlugHS100", "TP-LinkPlugHS110", "Aria", "Withings", "iKettle2", "SmarterCoffee"]


@pytest.mark.parametrize("families", [False, True])
def test_every_type_is_left_out_once_and_siblings_together(*, families: bool) -> None:
    whole = labelled.material(TYPES * 3)
    folds = list(folds_of(whole, 1, families=families))
    assert len(folds) == FOLDS
    assert (np.sum(folds, axis=0) == 1).all()
    for out in folds:
        for name in TYPES:
            assert len(set(out[np.array(whole.labels) == name])) == 1
        if families:
            assert out[0] == out[1]
            assert out[4] == out[5]


def test_networks_of_roles_are_left_out_and_the_one_of_most_background() -> None:
    groups = ["x", "y", "x", "bg", "bg", "small"]
    material = labelled.material(["a", "b", "a", "c", "c", "c"], groups)
    cases = Cases(material, np.array([0, 1, 0, 2, 2, 2]), 2)
    folds = left_out(Parts(cases, ("a", "b"), material.take(np.zeros(0, np.int64))))
    assert [test.tolist() for _, test in folds] == [[3, 4], [0, 2], [1]]
    assert all(len(learn) + len(test) == 6 for learn, test in folds)


def test_captures_are_cut_to_their_first_minutes(tmp_path: Path) -> None:
    if not shutil.which("tcpdump"):
        pytest.skip("tcpdump is not installed")
    source = tmp_path / "whole.pcap"
    source.write_bytes(f.pcap(*(f.udp_frame(seconds) for seconds in (1, 30, 60.5, 61.5, 200))))
    assert cut(source, tmp_path / "1" / "a.pcap", 1)
    assert not cut(source, tmp_path / "5" / "a.pcap", 5)
    kept = [read_capture(tmp_path / k / "a.pcap", packets=True).packets for k in "15"]
    assert [len(part) for part in kept if part is not None] == [3, 5]


def test_ways_have_names_of_their_own_and_sound_recipes() -> None:
    assert len({name for name, _, _ in WAYS}) == len(WAYS)
    made = recipe("trees", "service-ports")
    assert made.document()["grid"]


def test_shares_and_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert [share(x) for x in (None, 0.8724, 1.0)] == ["–", ".872", "1.000"]
    table(("a", "b"), [(1, "x")])
    assert capsys.readouterr().out == "| a | b |\n|---|---|\n| 1 | x |\n\n"
