"""Fixtures for every test: both cores, the shared data folder, a clean environment."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
        pytest.skip("the compiled core is not built here")
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
