"""The package holds the journal and its chain, nothing that runs at import."""

from __future__ import annotations

import plugin.audit


def test_the_package_says_what_it_is() -> None:
    assert "append-only" in (plugin.audit.__doc__ or "")
