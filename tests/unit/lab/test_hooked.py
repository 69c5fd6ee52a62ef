from __future__ import annotations

import pytest

from plugin.errors import LabError
from plugin.lab import Lab, parse_topology
from plugin.lab.hooked import install, start_halia
from tests.labs import QUIET

# In labs that are up: tests/e2e/test_demo.py.


def test_without_a_lab_there_is_nothing_to_install_in() -> None:
    lab = Lab(parse_topology(QUIET))
    with pytest.raises(LabError, match="quiet: is not up"):
        install(lab)
    with pytest.raises(LabError, match="quiet: is not up"):
        start_halia(lab, None, ["--version"])
