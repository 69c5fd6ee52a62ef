"""The page of a model of flows: whole, alone, and safe with foreign words."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np

from plugin.ml.flow_page import page
from plugin.ml.flow_report import FlowReport, Told


def report(labels: list[int], notes: tuple[str, ...] = ()) -> FlowReport:
    scores = np.linspace(4, 1, len(labels))
    return FlowReport(
        title="m <1>",
        facts=(("captures", "a&b.pcap"),),
        scores=scores,
        labels=np.array(labels, np.int8),
        groups=np.arange(len(labels)),
        threshold=2.5,
        called=scores > 2.5,
        top=(
            Told("10.0.0.1:1 → 10.0.0.2:2 TCP", "2017-07-03 12:00:00", 1.5, 1200, 60000, 4.0, 1,
                 ("iat_1 <9>, usual 1 to 2 (70%)", "size_2 7")),
            Told("b", "2017", 0.0, 2, 120, 2e9, -1, ()),
        ),
        notes=notes,
    )  # fmt: skip


def test_the_page_has_figures_curves_histogram_and_table() -> None:
    text = page(report([1, 0, 1, 0], ("learned & judged",)))
    assert text.count("<svg") == 3
    assert "0.750" in text
    assert "average precision (chance: 0.500)" in text
    assert "learned &amp; judged" in text
    assert "iat_1 &lt;9&gt;, usual 1 to 2 (70%); size_2 7" in text
    assert "<td>1,200</td><td>60,000</td><td>4</td><td>abnormal</td>" in text
    assert "<td>2e+09</td><td>no label</td>" in text
    assert "abnormal flows that are called abnormal</td><td>50.0%" in text
    assert "The 2 highest scores" in text


def test_the_page_stands_alone_and_its_pictures_are_xml() -> None:
    text = page(report([1, 0, 1, 0]))
    for word in ("http:", "https:", "<script", "src=", "@import", "m <1>"):
        assert word not in text
    for picture in re.findall(r"<svg.*?</svg>", text):
        ET.fromstring(picture)  # noqa: S314 - ours


def test_without_labels_there_is_a_histogram_and_no_curve() -> None:
    text = page(report([-1, -1]))
    assert text.count("<svg") == 1
    assert "No AUC and no curves" in text
    assert "flows without a label that are called abnormal</td><td>50.0%" in text


def test_a_model_that_judged_nothing_has_a_page() -> None:
    text = page(report([]))
    assert "<svg" not in text
    assert "<td>none</td>" in text
