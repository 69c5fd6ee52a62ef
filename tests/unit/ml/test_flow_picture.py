"""The picture of a model of flows: it is drawn whatever there is, and shows what it should."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from plugin.errors import OptionError
from plugin.ml import flow_picture
from plugin.ml.flow_report import FlowReport, Told


def report(labels: list[int]) -> FlowReport:
    scores = np.linspace(4, 1, len(labels))
    return FlowReport(
        title="a$b$ model",
        facts=(),
        scores=scores,
        labels=np.array(labels, np.int8),
        groups=np.arange(len(labels)),
        threshold=2.5,
        called=scores > 2.5,
        top=(Told("10.0.0.1:1 → [::1]:2 TCP", "2017", 1.0, 2, 3, 4.0, 1, ("$x_1$ 9", "y 2")),),
    )


def drawn(labels: list[int], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(flow_picture, "png", lambda figure: figure)
    return flow_picture.picture(report(labels))


def test_it_shows_curves_scores_and_flows(monkeypatch: pytest.MonkeyPatch) -> None:
    roc, precision, scores, table = drawn([1, 0, 1, 0], monkeypatch).get_axes()
    assert roc.get_title().startswith("ROC: AUC 0.750")
    assert [len(line.get_xdata()) for line in roc.get_lines()] == [2, 5, 1]
    assert precision.get_title().startswith("average precision")
    bars = [patch.get_height() for patch in scores.patches]
    assert sum(bars) == pytest.approx(2.0)
    (text,) = (one.get_text() for one in table.texts)
    assert r"\$x_1\$ 9; y 2" in text
    assert "abnormal" in text


@pytest.mark.parametrize("labels", [[-1, -1], []])
def test_without_labels_or_flows_it_says_so(
    labels: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    roc, _, scores, _ = drawn(labels, monkeypatch).get_axes()
    assert [one.get_text() for one in roc.texts] == ["no labels of both kinds"]
    assert bool(scores.texts) == (not labels)


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(OptionError, match=r"halia\[plot\]"):
        flow_picture.picture(report([1, 0]))
