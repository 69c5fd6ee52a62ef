from __future__ import annotations

import re
from pathlib import Path

import pytest

from plugin import errors

PLACES = re.compile(r"""install_extra\(["'](\w+)["']\)""")


def test_a_text_names_what_where_why_and_what_to_do() -> None:
    error = errors.CaptureError("no such magic", where="x.pcap", offset=24, advice="give a pcap")
    assert str(error) == "x.pcap: byte 24: no such magic; give a pcap"
    assert str(errors.OptionError("too many")) == "too many"


def test_the_root_cannot_be_raised() -> None:
    with pytest.raises(TypeError, match="root of a tree"):
        errors.HaliaError("x")


def test_foreign_text_stays_on_one_line_and_cannot_steer_the_terminal() -> None:
    text = str(errors.CaptureError("bad", where="a\nhalia: forged\x1b[2J"))
    assert text == "a\\nhalia: forged\\x1b[2J: bad"
    assert errors.printable("Gerät 7") == "Gerät 7"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.CaptureError, 2),
        (errors.OptionError, 2),
        (errors.ModelError, 2),
        (errors.DatasetError, 2),
        (errors.OutputError, 2),
        (errors.SettingsError, 2),
        (errors.PeerError, 3),
    ],
)
def test_exit_codes(kind: type[errors.HaliaError], code: int) -> None:
    assert kind("x").exit_code == code


def test_settings_errors_keep_all_problems_a_line_each() -> None:
    error = errors.SettingsError("f:1:1: a", "f:2:1: b\x07")
    assert error.problems == ("f:1:1: a", "f:2:1: b\x07")
    assert str(error) == "f:1:1: a\nf:2:1: b\\x07"


def test_every_error_is_drawn_in_the_tree() -> None:
    kinds = [v for v in vars(errors).values() if isinstance(v, type)]
    assert kinds
    for kind in kinds:
        assert kind.__name__ in (errors.__doc__ or "")


def test_extras_are_named_for_an_installation_and_a_checkout(root: Path) -> None:
    assert errors.install_extra("zstd") == (
        "pip install 'halia[zstd]' (in a checkout: pip install '.[zstd]')"
    )
    sources = [p.read_text(encoding="utf-8") for p in (root / "plugin").rglob("*.py")]
    named = {name for text in sources for name in PLACES.findall(text)}
    setup = (root / "setup.cfg").read_text(encoding="utf-8")
    assert {name for name in named if f"\n{name} =\n" in setup} == named
    assert named == {
        "cli", "confrpc", "dask", "live", "parquet", "plot", "pyod", "scapy", "zstd",
    }  # fmt: skip


def test_nearest_names_what_is_known_when_nothing_is_near() -> None:
    assert errors.nearest("modl", {"model", "data"}) == "; did you mean 'model'?"
    assert errors.nearest("zzz", {"model", "data"}) == "; known: data, model"
    assert errors.nearest("z" * 1_000_000, ["a" * 1_000]) == f"; known: {'a' * 1_000}"
