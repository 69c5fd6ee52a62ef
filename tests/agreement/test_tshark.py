"""Every packet of the captures that come with the project, beside tshark where it is there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.agree import captures
from bench.agree.compare import Tally, compare_capture

DATA = Path(__file__).resolve().parent.parent / "data"

pytestmark = [
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed"),
    pytest.mark.usefixtures("core"),
]


def smallest(count: int) -> list[Path]:
    """The smallest captures: enough to notice a break, few enough for every run of the suite."""
    return sorted(captures([DATA]), key=lambda path: (path.stat().st_size, path.name))[:count]


@pytest.mark.parametrize("path", smallest(12), ids=lambda path: path.name)
def test_no_packet_differs_without_a_reason(path: Path) -> None:
    tally = Tally()
    compare_capture(tally, path)
    assert tally.unexplained == []
    assert tally.packets > 0
