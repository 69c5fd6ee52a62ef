"""Certificates for faucetconfrpc, which wants one of its clients too. Nothing secret is told."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from plugin.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

_PREFIX = "isolation.confrpc_"


class Credentials:
    """Who vouches for the server, and who we are; read at once, so that a change wants a restart.

    Args:
        ca: PEM file of who signed the server's certificate.
        cert: our certificate (PEM).
        key: its key (PEM, without a passphrase); None: it is in the same file.

    Raises:
        SettingsError: all that is wrong, named as in halia.yaml.
    """

    __slots__ = ("ca", "cert", "context", "key")

    def __init__(self, ca: Path, cert: Path, key: Path | None = None) -> None:
        problems: list[str] = []
        self.ca = _read("ca", ca, problems)
        self.cert = _read("cert", cert, problems)
        self.key = _read("key", key, problems) if key is not None else self.cert
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        """The same for Python's TLS, which tells better than gRPC's what is wrong."""
        if not problems:
            self._check(ca, cert, key, problems)
        if problems:
            raise SettingsError(*problems)

    def _check(self, ca: Path, cert: Path, key: Path | None, problems: list[str]) -> None:
        self.context.set_alpn_protocols(["h2"])
        _trust(self.context, "ca", ca, problems)
        if not _trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "cert", cert, problems):
            return
        try:
            # The passphrase: without one OpenSSL would ask for it at the terminal.
            self.context.load_cert_chain(cert, key, password="")
        except ssl.SSLError as error:
            foreign = error.reason == "KEY_VALUES_MISMATCH"
            words = "the key of another certificate" if foreign else "no key in PEM"
            more = "" if foreign else ", or one with a passphrase"
            problems.append(f"{_PREFIX}key: {key or cert}: {words}{more}")


def _read(name: str, file: Path, problems: list[str]) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        problems.append(f"{_PREFIX}{name}: {file}: cannot be read: {error.strerror}")
        return b""


def _trust(context: ssl.SSLContext, name: str, file: Path, problems: list[str]) -> bool:
    """Load a file of certificates; it tells, too, whether a file holds any."""
    try:
        context.load_verify_locations(cafile=file)
    except ssl.SSLError:
        problems.append(f"{_PREFIX}{name}: {file}: no certificate in PEM")
        return False
    return True
