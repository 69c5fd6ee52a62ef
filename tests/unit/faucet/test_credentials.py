"""Certificates that are read at the start: what is wrong is told then, and nothing secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin.errors import SettingsError
from plugin.faucet.credentials import Credentials
from tests.certificates import Pair, authority, locked, signed


@pytest.fixture
def ca(tmp_path: Path) -> Pair:
    return authority(tmp_path / "certificates")


def test_files_are_read(ca: Pair) -> None:
    ours = signed(ca, "ours")
    found = Credentials(ca.cert, ours.cert, ours.key)
    assert (found.ca, found.cert) == (ca.cert.read_bytes(), ours.cert.read_bytes())
    assert found.key == ours.key.read_bytes()
    assert "PRIVATE" not in repr(found)


def test_a_key_may_stand_in_the_certificates_file(ca: Pair, tmp_path: Path) -> None:
    ours = signed(ca, "ours")
    both = tmp_path / "both.pem"
    both.write_bytes(ours.cert.read_bytes() + ours.key.read_bytes())
    assert Credentials(ca.cert, both).key == both.read_bytes()
    with pytest.raises(SettingsError, match=r"confrpc_key: .*ours.pem: no key in PEM"):
        Credentials(ca.cert, ours.cert)


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    no = tmp_path / "no"
    with pytest.raises(SettingsError) as told:
        Credentials(no, no, no)
    for name in ("ca", "cert", "key"):
        assert f"isolation.confrpc_{name}: {no}: cannot be read: No such file" in str(told.value)


def test_what_is_no_certificate_or_key(ca: Pair, tmp_path: Path) -> None:
    ours, other = signed(ca, "ours"), signed(ca, "other")
    text = tmp_path / "text"
    text.write_text("secret words")
    for one, words in (
        ((text, ours.cert, ours.key), "confrpc_ca: .*no certificate in PEM"),
        ((ca.cert, text, ours.key), "confrpc_cert: .*no certificate in PEM"),
        ((ca.cert, ours.cert, other.key), "confrpc_key: .*the key of another certificate"),
        ((ca.cert, ours.cert, locked(ours, "x")), "confrpc_key: .*with a passphrase"),
    ):
        with pytest.raises(SettingsError, match=words) as told:
            Credentials(*one)
        assert "secret" not in str(told.value)
