"""Certificates for tests: an authority and what it has signed, made when they are needed."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


class Pair(NamedTuple):
    """A certificate and its key, both PEM."""

    cert: Path
    key: Path


def authority(folder: Path, name: str = "ca") -> Pair:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder.mkdir(exist_ok=True)
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    extensions = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")
    _request(pair, name, "-x509", "-nodes", *_added(*extensions))
    return pair


def signed(by: Pair, name: str, alternative: str = "DNS:nobody") -> Pair:
    """A certificate for a name, such as ``IP:127.0.0.1`` or ``DNS:broker``."""
    folder = by.cert.parent
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    extensions = (f"subjectAltName={alternative}", "basicConstraints=CA:FALSE")
    signer = ("-CA", str(by.cert), "-CAkey", str(by.key))
    _request(pair, name, "-x509", "-nodes", *signer, *_added(*extensions))
    return pair


def locked(pair: Pair, phrase: str) -> Path:
    """The same key behind a passphrase."""
    file = pair.key.with_suffix(".locked")
    _openssl("ec", "-in", str(pair.key), "-aes128", "-passout", f"pass:{phrase}",
             "-out", str(file))  # fmt: skip
    return file


def _added(*extensions: str) -> list[str]:
    return [word for extension in extensions for word in ("-addext", extension)]


def _request(pair: Pair, name: str, *words: str) -> None:
    _openssl("req", *_KEY, "-keyout", str(pair.key), "-out", str(pair.cert), "-days", "2",
             "-subj", f"/CN={name}", *words)  # fmt: skip


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)
