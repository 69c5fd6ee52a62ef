"""Both cores against the scores that PyOD gave (scripts/golden_sos.py wrote them)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plugin.ml.novelty import sos

GOLDEN = json.loads((Path(__file__).parent / "sos.json").read_text(encoding="utf-8"))
SQUARED = {"euclidean": False, "minkowski": False, "sqeuclidean": True}
APART = 1e-9


def name_of(case: dict[str, Any]) -> str:
    return "-".join(str(case[k]) for k in ("table", "metric", "perplexity"))


@pytest.fixture(params=["c", "reference"])
def core(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "c":
        pytest.importorskip("plugin.core._core", reason="the compiled core is not built here")
    monkeypatch.setenv("HALIA_CORE", request.param)


@pytest.mark.usefixtures("core")
@pytest.mark.parametrize("case", GOLDEN["cases"], ids=name_of)
def test_the_scores_are_pyods(case: dict[str, Any]) -> None:
    settings = sos.Settings(case["perplexity"], SQUARED[case["metric"]], 1e-12)
    found = sos.scores(GOLDEN["tables"][case["table"]], settings)
    assert np.abs(found - case["scores"]).max() <= APART


def test_the_cases_are_many_and_differ() -> None:
    assert len(GOLDEN["cases"]) == 60
    assert {case["metric"] for case in GOLDEN["cases"]} == set(SQUARED)
    means = [np.mean(case["scores"]) for case in GOLDEN["cases"]]
    assert len(np.unique(np.round(means, 6))) >= 35
    assert GOLDEN["made by"].startswith("scripts/golden_sos.py; PyOD ")
