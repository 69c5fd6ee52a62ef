"""Fixtures for every test: both cores, the shared data folder, a clean environment.

Under CI (``CI=true``, as .ci/run sets it) a test that skips for want of something that CI must have
(the compiled core, an extra, a tool) fails: nothing goes missing unseen.
"""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

hypothesis.settings.register_profile("halia", deadline=None)  # no test is timed
hypothesis.settings.load_profile("halia")

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).resolve().parent.parent
ALLOWED_SKIPS = re.compile(
    r"shared data|\broot\b|kernel|not a git checkout|(?:bash|zsh|fish|shellcheck) is not installed"
    r"|the extra pyod is not installed"
)
"""What CI may lack: data that is not ours to pass on, rights, a kernel's ability, a shell; and
PyOD, which brings 200 MB of numba and llvmlite (a package made by the tests stands in for it)."""
NOT_BUILT = "the compiled core is not built here"


def must_not_skip(reason: str, environ: dict[str, str]) -> bool:
    """Whether a test that skips for this reason fails: under CI, unless CI may lack it."""
    if environ.get("CI", "").lower() not in {"1", "true"} or ALLOWED_SKIPS.search(reason):
        return False
    # scripts/reference.sh runs the tests of the core without the extension, on purpose.
    return not (NOT_BUILT in reason and environ.get("HALIA_CORE") == "reference")


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    if must_not_skip(reason, dict(os.environ)):
        report.outcome = "failed"
        report.longrepr = f"a test may not skip under CI for this: {reason}"


def _whole(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn skips for want of what CI must have into failures; make all text fit for a pipe."""
    report = yield
    _refuse_skip(report)
    # Between processes only whole characters pass, and hostile names are logged with halves.
    report.sections = [(name, _whole(text)) for name, text in report.sections]
    if report.failed and isinstance(report.longrepr, str):
        report.longrepr = _whole(report.longrepr)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file that skips."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The shared data folder: HALIA_SHARED, else ``../shared`` beside the checkout."""
    folder = Path(os.environ.get("HALIA_SHARED") or ROOT.parent / "shared")
    if not (folder / "data").is_dir():
        pytest.skip("the shared data folder is not here")
    return folder


@pytest.fixture(params=["c", "reference"])
def core(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test on each core: the compiled one (if built) and the plain-Python one."""
    name: str = request.param
    if name == "c" and importlib.util.find_spec("plugin.core._core") is None:
        pytest.skip(NOT_BUILT)
    monkeypatch.setenv("HALIA_CORE", name)
    return name


@pytest.fixture(autouse=True)
def _own_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep the settings and variables of whoever runs the tests out of them."""
    kept = {"HALIA_CORE", "HALIA_SHARED"}
    for name in [n for n in os.environ if n.startswith("HALIA_") and n not in kept]:
        if not name.startswith(("HALIA_TEST_", "HALIA_BENCH_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "no-settings"))
