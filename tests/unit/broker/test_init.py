"""The package runs nothing at import."""

from __future__ import annotations

import plugin.broker


def test_the_package_says_what_it_is() -> None:
    assert "spool" in (plugin.broker.__doc__ or "")
