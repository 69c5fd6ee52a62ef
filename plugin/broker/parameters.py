"""From plain settings to how pika connects: address, login, TLS. Nothing secret is ever told."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

import pika

from plugin.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

PORTS = {"amqp": 5672, "amqps": 5671}
HEARTBEAT_SECONDS = 30
GUEST = "guest"
"""RabbitMQ's own user; by default it serves him on the loopback only."""
_CONNECT_SECONDS = 5.0
_ALL_SECONDS = 15.0
_NO_KEY = "no key in PEM, or one with a passphrase"


def connection_parameters(  # noqa: PLR0913 - settings, all but the first may be left out
    url: str,
    *,
    user: str | None = None,
    password: str | None = None,
    ca: Path | None = None,
    cert: Path | None = None,
    key: Path | None = None,
    heartbeat: int = HEARTBEAT_SECONDS,
) -> pika.ConnectionParameters:
    """Make pika's parameters; files are read now, so a changed certificate wants a restart.

    Args:
        url: ``amqp[s]://HOST[:PORT][/VHOST]``; a ``/`` in the virtual host is ``%2F``. ``amqps``
            is TLS, and the certificate must be the host's.
        user: by default ``guest`` with that password.
        password: the user's.
        ca: PEM file of who signed the broker's certificate; by default the system's.
        cert: our own certificate (PEM), where the broker wants one.
        key: its key (PEM, without a passphrase), if it is not in the same file.
        heartbeat: seconds; after twice as long without a sign the connection has ended.

    Raises:
        SettingsError: all that is wrong, named as in halia.yaml.
    """
    problems: list[str] = []
    parts = _address(url, problems)
    credentials = _login(user, password, problems)
    context = None
    if parts is not None and parts.scheme == "amqps":
        context = _tls(ca, cert, key, problems)
    elif parts is not None and any((ca, cert, key)):
        problems.append("broker.url: certificates are for amqps://, this is amqp://")
    if problems or parts is None:
        raise SettingsError(*problems)
    host = parts.hostname or ""
    return pika.ConnectionParameters(
        host=host,
        port=parts.port or PORTS[parts.scheme],
        virtual_host=unquote(parts.path[1:]) or "/",
        credentials=credentials,
        ssl_options=None if context is None else pika.SSLOptions(context, host),
        heartbeat=heartbeat,
        # One try at a time: the owner of a connection does the waiting between them.
        connection_attempts=1,
        socket_timeout=_CONNECT_SECONDS,
        stack_timeout=_ALL_SECONDS,
        client_properties={"connection_name": "halia"},
    )


def _address(url: str, problems: list[str]) -> SplitResult | None:
    """Split the address; no message repeats it, for a password may stand in it."""
    try:
        parts = urlsplit(url)
        well = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        well = False
        parts = SplitResult("", "", "", "", "")
    if not well or parts.query or parts.fragment or "/" in parts.path[1:]:
        problems.append("broker.url: not of the form amqp[s]://HOST[:PORT][/VHOST] (/ is %2F)")
        return None
    if "@" in parts.netloc:
        problems.append("broker.url: holds a login: use broker.user and broker.password_file")
        return None
    return parts


def _login(user: str | None, password: str | None, problems: list[str]) -> pika.PlainCredentials:
    if user is not None and password is None:
        problems.append("broker.user: has no broker.password and no broker.password_file")
    if user is None and password is not None:
        problems.append("broker.password: whose? There is no broker.user")
    return pika.PlainCredentials(user or GUEST, password or GUEST)


def _tls(
    ca: Path | None, cert: Path | None, key: Path | None, problems: list[str]
) -> ssl.SSLContext:
    if ca is None:
        context = ssl.create_default_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody yet; checks the name
        _trust(context, "broker.ca", ca, problems)
    if cert is None:
        if key is not None:
            problems.append("broker.key: the key of which certificate? There is no broker.cert")
        return context
    if not _trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "broker.cert", cert, problems):
        return context
    try:
        # The passphrase: without one OpenSSL would ask for it at the terminal.
        context.load_cert_chain(cert, key, password="")
    except ssl.SSLError as error:
        foreign = error.reason == "KEY_VALUES_MISMATCH"
        words = "the key of another certificate than broker.cert" if foreign else _NO_KEY
        problems.append(f"broker.key: {key or cert}: {words}")
    except OSError as error:
        problems.append(f"broker.key: {key}: {error.strerror}")
    return context


def _trust(context: ssl.SSLContext, name: str, file: Path, problems: list[str]) -> bool:
    """Load a file of certificates; it tells, too, whether a file holds any."""
    try:
        context.load_verify_locations(cafile=file)
    except ssl.SSLError:
        problems.append(f"{name}: {file}: no certificate in PEM")
    except OSError as error:
        problems.append(f"{name}: {file}: {error.strerror}")
    else:
        return True
    return False
