"""TEMP."""


def vendor_of(mac: str) -> str | None:
    """TEMP."""
    del mac
    return None
