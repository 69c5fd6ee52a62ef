"""Charts: well-formed, inside their frame, and without a way to the world."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from plugin.ml.drawings import HEIGHT, WIDTH, Mark, chart


def test_a_chart_is_xml_with_its_points_inside() -> None:
    marks = [Mark(0.0, 0.0, "a & <b>"), Mark(1.0, 1.0, "c", 0.0)]
    root = ET.fromstring(chart("t & t", ("x", "y"), marks, diagonal=True))  # noqa: S314 - ours
    circles = root.findall("circle")
    assert [c.findtext("title") for c in circles] == ["a & <b>", "c"]
    low, high = ((float(c.get("cx", "")), float(c.get("cy", ""))) for c in circles)
    assert 0 < low[0] < high[0] < WIDTH
    assert HEIGHT > low[1] > high[1] > 0
    assert float(circles[0].get("r", "")) > float(circles[1].get("r", ""))
    assert len(root.findall("polyline")) == 2
    assert root.get("aria-label") == "t & t"


def test_a_chart_of_nothing_has_axes() -> None:
    text = chart("t", ("x", "y"), [])
    assert "polyline" not in text
    assert "circle" not in text
    assert ">0.25<" in text
    assert "http" not in text
