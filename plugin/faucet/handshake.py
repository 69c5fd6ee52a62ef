"""Why a server with mutual TLS will not talk to us: asked once more, in words that help."""

from __future__ import annotations

import ssl
from socket import create_connection
from typing import TYPE_CHECKING, NamedTuple

from plugin.settings.urls import split_address

if TYPE_CHECKING:
    from plugin.faucet.credentials import Credentials

_SECONDS = 3.0
_NAME_CODES = frozenset((62, 64))
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""


_SIGNED = "isolation.confrpc_cert must be signed by its --cacert, and valid now"


class Why(NamedTuple):
    """What is wrong."""

    reason: str
    advice: str


def why_refused(address: str, credentials: Credentials) -> Why | None:
    """Try a handshake; None if nothing is wrong with it.

    Args:
        address: ``HOST:PORT``.
        credentials: ours.
    """
    host, port = split_address(address)
    try:
        with (
            create_connection((host, port), _SECONDS) as raw,
            credentials.context.wrap_socket(raw, server_hostname=host) as stream,
        ):
            # Whether our certificate is taken shows only after the handshake: gRPC speaks first.
            taken = stream.recv(1)
    except ssl.SSLError as error:
        return _of_tls(error, host)
    except TimeoutError:
        return Why(f"nothing answers there within {_SECONDS:g} s", "is it up, is the way open?")
    except OSError as error:
        return Why(
            f"cannot be reached: {error.strerror or error}",
            "is faucetconfrpc_server running, with this address as --host and --port?",
        )
    return None if taken else Why("it refuses our certificate, and hangs up", _SIGNED)


def _of_tls(error: ssl.SSLError, host: str) -> Why:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _NAME_CODES:
            return Why(
                f"its certificate is not for {host}",
                "name the host in isolation.confrpc_address as its subjectAltName does",
            )
        return Why(
            f"its certificate is not one of isolation.confrpc_ca: {error.verify_message}",
            "set isolation.confrpc_ca to who signed it",
        )
    words = (error.reason or str(error)).lower().replace("_", " ")
    if "alert" not in words:
        return Why(f"no TLS there: {words}", "is that faucetconfrpc?")
    return Why(f"it refuses our certificate: {words}", _SIGNED)
