from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_python_m_plugin_is_halia(root: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "plugin", "nonsense"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr == "halia: nonsense: no such command; see 'halia --help'\n"
