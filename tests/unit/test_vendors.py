"""Makers by MAC, with the real list."""

from __future__ import annotations

import subprocess
import sys

import pytest

from plugin import vendors
from plugin.vendors import vendor_of, vendors_known

HUE = "00:17:88:24:76:ff"


def test_a_maker_is_named() -> None:
    assert vendors_known()
    assert (vendor_of(HUE) or "").startswith("Philips Lighting")
    assert vendor_of("00:00:5e:00:01:01") is not None


@pytest.mark.parametrize(
    "mac",
    [
        "02:17:88:24:76:ff",  # random
        "da:a1:19:00:00:01",  # random, of one who registered that block for it
        "01:00:5e:00:00:01",  # a group
        "ff:ff:ff:ff:ff:ff",
        "f8:fe:fe:00:00:01",  # nobody's
        "70:b3:d5:00:00:01",  # a block that is given away in parts
    ],
)
def test_what_has_no_maker(mac: str) -> None:
    assert vendor_of(mac) is None


def test_it_is_loaded_at_the_first_question_in_any_thread() -> None:
    code = (
        "import sys, threading; from plugin.vendors import vendor_of; "
        "assert vendor_of('02:00:00:00:00:01') is None; "
        "assert 'aiooui' not in sys.modules; found = []; "
        f"ask = lambda: found.append(vendor_of({HUE!r})); "
        "threads = [threading.Thread(target=ask) for _ in range(8)]; "
        "[one.start() for one in threads]; [one.join() for one in threads]; "
        "assert len(found) == 8 and set(found) != {None} and len(set(found)) == 1, found"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_the_library_nobody_has_a_maker(monkeypatch: pytest.MonkeyPatch) -> None:
    vendors._table.cache_clear()
    monkeypatch.setitem(sys.modules, "aiooui", None)
    try:
        assert vendor_of(HUE) is None
        assert not vendors_known()
    finally:
        vendors._table.cache_clear()
