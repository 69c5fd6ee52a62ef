"""What is taken of a flow, in a word: ``IAT``, ``STATS+header``, ``SIZE+fft+header``."""

from __future__ import annotations

from typing import NamedTuple

from plugin.errors import OptionError, nearest
from plugin.flows.spec import FEATURES

EXTRAS = ("fft", "header")


class Variant(NamedTuple):
    """What is taken of a flow."""

    feature: str
    fft: bool = False
    header: bool = False

    @property
    def name(self) -> str:
        """As it is written: ``IAT``, ``STATS+header``, ``SIZE+fft+header``."""
        more = (word for word in EXTRAS if getattr(self, word))
        return "+".join((self.feature, *more))

    @classmethod
    def read(cls, text: str) -> Variant:
        """What :attr:`name` gave, in any case.

        Raises:
            OptionError: no such feature, or something else behind it.
        """
        feature, *more = text.split("+")
        name = feature.strip().upper().replace("-", "_")
        words = [word.strip().lower() for word in more]
        if name not in FEATURES:
            known = {one.lower(): one for one in FEATURES}
            raise OptionError(f"there is no feature {feature!r}{nearest(feature.lower(), known)}")
        for word in words:
            if word not in EXTRAS:
                raise OptionError(f"{text!r}: {word!r} is neither fft nor header")
        return cls(name, "fft" in words, "header" in words)
