from __future__ import annotations

import pytest

from plugin.errors import OptionError
from plugin.flows.variant import Variant


def test_a_variant_is_read_as_it_is_written() -> None:
    for text in ("IAT", "STATS+header", "SAMP_NUM+fft", "SIZE+fft+header"):
        assert Variant.read(text).name == text
    assert Variant.read("samp-size + Header") == Variant("SAMP_SIZE", header=True)
    for wrong, said in (("IATS", "did you mean"), ("IAT+ttl", "neither fft nor header")):
        with pytest.raises(OptionError, match=said):
            Variant.read(wrong)
