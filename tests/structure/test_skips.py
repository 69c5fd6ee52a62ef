"""Under CI no test may skip for want of what CI must have (tests/conftest.py)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import must_not_skip

ROOT = Path(__file__).resolve().parents[2]
CI = {"CI": "true"}


@pytest.mark.parametrize(
    "reason",
    [
        "the compiled core is not built here",
        "needs the extra halia[zstd]",
        "could not import 'pyarrow': No module named 'pyarrow'",
        "scapy is not installed",
        "tshark is not installed",
        "tcpdump is not installed",
    ],
)
def test_what_ci_must_have(reason: str) -> None:
    assert must_not_skip(f"Skipped: {reason}", CI)
    assert not must_not_skip(f"Skipped: {reason}", {})


@pytest.mark.parametrize(
    "reason",
    [
        "the shared data folder is not here",
        "needs root",
        "the kernel cannot",
        "fish is not installed",
    ],
)
def test_what_ci_may_lack(reason: str) -> None:
    assert not must_not_skip(f"Skipped: {reason}", CI)


def test_the_plain_core_alone_may_lack_the_compiled_one() -> None:
    alone = {**CI, "HALIA_CORE": "reference"}
    assert not must_not_skip("Skipped: the compiled core is not built here", alone)
    assert must_not_skip("Skipped: scapy is not installed", alone)


@pytest.mark.parametrize(
    ("ci", "whole", "outcome"),
    [
        ("", False, "1 skipped"),
        ("true", False, "1 failed"),
        ("", True, "1 skipped"),
        ("true", True, "1 error"),
    ],
)
def test_a_skip_fails_under_ci(ci: str, outcome: str, tmp_path: Path, *, whole: bool) -> None:
    statement = 'pytest.importorskip("no_such_module", reason="scapy is not installed")'
    body = f"{statement}\n" if whole else f"def test_x() -> None:\n    {statement}\n"
    (tmp_path / "test_x.py").write_text(f"import pytest\n\n{body}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider",
         "--rootdir", str(tmp_path), "-c", os.devnull, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert outcome in done.stdout, done.stdout + done.stderr
