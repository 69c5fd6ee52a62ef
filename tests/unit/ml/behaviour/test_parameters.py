"""Parameters: every one has a default and is documented."""

from __future__ import annotations

from typing import get_type_hints

import pytest

from plugin.ml.behaviour.parameters import Parameters

SECTIONS = get_type_hints(Parameters)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_parameter_is_documented_and_positive(section: str) -> None:
    kind = SECTIONS[section]
    for one in kind._fields:
        assert f"{one}: " in (kind.__doc__ or "")
        value = getattr(kind(), one)
        assert min(value if isinstance(value, tuple) else (value,)) > 0
