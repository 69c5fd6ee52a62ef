"""Charts: well-formed, inside their frame, and without a way to the world."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from plugin.ml.drawings import DIAGONAL, HEIGHT, WIDTH, Bars, Mark, chart, histogram


def test_a_chart_is_xml_with_its_points_inside() -> None:
    marks = [Mark(0.0, 0.0, "a & <b>"), Mark(1.0, 1.0, "c", 0.0)]
    root = ET.fromstring(chart("t & t", ("x", "y"), marks, dashed=DIAGONAL))  # noqa: S314 - ours
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


def test_a_line_of_its_own_takes_the_place_of_the_one_through_the_marks() -> None:
    line = [(0.0, 0.0), (0.5, 1.0), (1.0, 1.0)]
    root = ET.fromstring(chart("t", ("x", "y"), [Mark(0.5, 0.5, "m")], line=line))  # noqa: S314 - ours
    (drawn,) = root.findall("polyline")
    assert len(drawn.get("points", "").split()) == 3


def test_bars_are_shares_of_their_own_kind() -> None:
    kinds = [Bars("many & more", [75, 25, 0], "#111"), Bars("few", [0, 0, 4], "#222")]
    text = histogram("t", "score", kinds, [(0.5, "7")], (0.25, "here"))
    root = ET.fromstring(text)  # noqa: S314 - ours
    bars = root.findall("rect")
    assert [one.findtext("title") for one in bars] == [
        "many & more: 75",
        "many & more: 25",
        "few: 4",
    ]
    tall = [float(one.get("height", "")) for one in bars]
    assert tall[0] == 0.75 * tall[2]
    assert abs(tall[1] - tall[2] / 4) < 0.1
    left = [float(one.get("x", "")) for one in bars]
    assert left == sorted(left)
    words = [one.text for one in root.findall("text")]
    assert {"100%", "50%", "7", "here", "many & more (100)", "few (4)"} <= set(words)
    bottom = {float(one.get("y", "")) + float(one.get("height", "")) for one in bars}
    assert max(bottom) - min(bottom) < 0.2


def test_the_name_of_the_mark_stays_inside() -> None:
    for where, anchor in ((0.0, "start"), (1.0, "end")):
        root = ET.fromstring(histogram("t", "s", [Bars("a", [1], "#1")], [], (where, "here")))  # noqa: S314 - ours
        (name,) = (one for one in root.findall("text") if one.text == "here")
        assert name.get("text-anchor") == anchor
