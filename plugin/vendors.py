"""TEMP."""


def vendor_of(mac: str) -> str | None:
    """TEMP."""
    return None
