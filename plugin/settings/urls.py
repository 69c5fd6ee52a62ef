"""Addresses with ports, and the URLs of Faucet's page, the broker and the database."""

from __future__ import annotations

import re

from plugin.settings.units import quoted

TCP_PORT_MAX = 65_535
_ADDRESS = r"(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9_-][a-zA-Z0-9_.-]*):([0-9]{1,5})"
_NAME_MOST, _LABEL_MOST = 253, 63
"""Characters of a host's name, and between two dots (RFC 1035, 2.3.4)."""
_URL = r"([a-z]+)://([^/?#\s]+)((?:/[^?#\s]*)?)"
_MAIL = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*"
_DATABASE = r"[a-z][a-z0-9_+]*:[^\s]+"
_HIDDEN_PART = r"(?i)(//[^:/@]*:).*(?=@)|((?:password|passwd|pwd)=)[^&]*"


class DatabaseUrl(str):
    """A database's URL: whole as a text, but its repr hides the password in it."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Without the password."""
        return repr(hide_password(self))


def split_address(text: str) -> tuple[str, int]:
    """Split ``HOST:PORT``; an IPv6 address stands in brackets, and loses them.

    Raises:
        ValueError: it is no host's name or address with a port.
    """
    found = re.fullmatch(_ADDRESS, text)
    if found is None or int(found[2]) > TCP_PORT_MAX or not _is_host(found[1]):
        raise ValueError(f"HOST:PORT is expected, not {quoted(text)}")
    return found[1].strip("[]"), int(found[2])


def _is_host(text: str) -> bool:
    if text[0] != "[" and not text.replace(".", "").isdigit():
        labels = text.removesuffix(".").split(".")
        return len(text) <= _NAME_MOST and all(0 < len(one) <= _LABEL_MOST for one in labels)
    import ipaddress

    try:
        return bool(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return False


def page_url(text: str) -> str:
    """Check the URL of a page.

    Raises:
        ValueError: it is none.
    """
    if re.search(r"[?#]", text) and "@" not in text:
        raise ValueError("http://HOST:PORT/PATH is expected, without ? or #: they are not sent on")
    _check(text, ("http", "https"), "http://HOST:PORT", "a user or a password")
    return text


def broker_url(text: str) -> str:
    """Check the URL of a broker: no user and no password in it.

    Raises:
        ValueError: it is none.
    """
    inside = "a user or a password: set broker.user, and broker.password_file to a file with it"
    expected = "amqp://HOST:PORT/VHOST or amqps://…"
    path = _check(text, ("amqp", "amqps"), expected, inside)
    if "/" in path[1:]:
        raise ValueError(f"{expected} is expected, a / in VHOST as %2F")
    return text


def syslog_place(text: str) -> str:
    """Check where syslog is: the path of a socket, or an address with the way to it.

    Raises:
        ValueError: it is neither.
    """
    kind, _, place = text.partition("://")
    if kind in {"udp", "tcp"}:
        _, port = split_address(place)
        if not port:
            raise ValueError("a port from 1 on is expected")
    elif not text.startswith("/") or not text.isprintable():
        raise ValueError(
            f"/dev/log, udp://HOST:PORT or tcp://HOST:PORT is expected, not {quoted(text)}"
        )
    return text


def mail_address(text: str) -> str:
    """Check an e-mail address, as far as it can be without sending to it.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(_MAIL, text):
        raise ValueError(f"an e-mail address is expected, not {quoted(text)}")
    return text


def _check(text: str, schemes: tuple[str, ...], expected: str, inside: str) -> str:
    """Check a URL and give its path.

    What it holds is not quoted: a mistaken one may hold a password.
    """
    if "@" in text:
        raise ValueError(f"{expected} is expected, without {inside}")
    found = re.fullmatch(_URL, text)
    if found is None or found[1] not in schemes:
        raise ValueError(f"{expected} is expected")
    place = found[2] if re.search(r":\d+$", found[2]) else f"{found[2]}:1"
    try:
        _, port = split_address(place)
    except ValueError:
        port = 0
    if not port:
        raise ValueError(f"{expected} is expected")
    return found[3]


def database_url(text: str) -> DatabaseUrl:
    """Check the URL of a database, as far as it can be without its driver.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(_DATABASE, text):
        raise ValueError("SQLAlchemy's URL of a database is expected, such as sqlite:///FILE")
    return DatabaseUrl(text)


def hide_password(url: str) -> str:
    """Give a database's URL with ``***`` for the password in it."""
    return re.sub(_HIDDEN_PART, lambda found: f"{found[1] or found[2]}***", url)
