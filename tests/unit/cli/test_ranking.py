from __future__ import annotations

from plugin.cli.ranking import ranking_lines
from plugin.ml.verdict import Role


def test_confidence_bar_label() -> None:
    role = Role("known", ("Printer", "Camera", "Unknown"), (0.75, 0.254, 0.0), "m", None)
    assert ranking_lines(role, truth="Camera") == [
        "    0.75 ###############      Printer",
        "    0.25 #####                Camera  <- right",
        "    0.00                      Unknown",
    ]
    assert "right" not in "".join(ranking_lines(role))
