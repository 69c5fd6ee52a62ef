from __future__ import annotations

import subprocess
import sys

import pytest

import plugin.netml as ours


def test_every_name_is_there_and_no_other() -> None:
    for name in ours.__all__:
        assert getattr(ours, name).__module__.startswith("plugin.netml."), name
    assert set(ours.__all__) <= set(dir(ours))
    with pytest.raises(AttributeError, match="Pcap"):
        ours.__getattr__("Pcap")


def test_reading_captures_needs_no_scikit_learn() -> None:
    code = (
        "import sys; from plugin.netml import PCAP, dump_data, load_data;"
        "print([m for m in ('sklearn', 'scipy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
