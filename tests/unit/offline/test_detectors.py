from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest

from plugin.errors import OptionError
from plugin.ml.novelty import registry
from plugin.offline import detectors

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_those_of_installed_packages_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = metadata.EntryPoint(
        "nearby", "plugin.ml.novelty.estimators:PrincipalComponents", registry.GROUP
    )

    def entry_points(group: str) -> Sequence[metadata.EntryPoint]:
        return [entry] if group == "halia.detectors" else []

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    assert set(detectors.names()) == {*registry.names(), "nearby"}
    made: Any = detectors.make("nearby", {"most": 3}, seed=1)
    assert made.most == 3


def test_ours_need_no_package() -> None:
    assert "sos" in detectors.names()
    assert type(detectors.make("pca")).__name__ == "PrincipalComponents"
    with pytest.raises(OptionError, match="no detector"):
        detectors.make("nothing of the kind")
