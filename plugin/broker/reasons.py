"""Why the broker is away or says no, in one line with what to do about it; no secrets.

pika wraps errors in errors, and its own texts may hold a whole connection; so the innermost cause
is looked for, and put into words of ours where we know better ones.
"""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Any

from pika import exceptions

from plugin.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DECLARED_OTHERWISE, _DENIED = 406, 403
_DEPTH = 10
_ALERT = re.compile(r"\[SSL: (\w+)\]")


def reason(error: BaseException) -> str:
    """Say why a connection or a channel could not be had, or has ended."""
    chain = list(_causes(error))
    for one in chain:
        words = _known(one)
        if words is not None:
            return printable(words)
    last = chain[-1]
    return printable(f"{type(last).__name__}: {last}".removesuffix(": "))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error and what it wraps, in each of pika's ways."""
    one: object = error
    for _ in range(_DEPTH):
        if not isinstance(one, BaseException):
            return
        yield one
        several = getattr(one, "exceptions", None) or (None,)
        one = several[-1] or getattr(one, "exception", None) or (one.args[0] if one.args else None)


def _known(error: BaseException) -> str | None:
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words(error)
    return None


def _closed_channel(error: Any) -> str:
    code, text = error.reply_code, error.reply_text
    if code == _DECLARED_OTHERWISE:
        return (
            f"it has that already, declared otherwise: {text}"
            " (delete it there; docs/broker.md tells how all must declare it)"
        )
    if code == _DENIED:
        return f"the user may not: {text} (docs/broker.md lists the permissions)"
    return f"it closed the channel: {text}"


def _untrusted(error: Any) -> str:
    return (
        f"its certificate is not trusted: {error.verify_message}"
        " (broker.ca names who signed it, broker.url the machine that it is for)"
    )


def _tls(error: Any) -> str:
    return _tls_fails(getattr(error, "reason", None) or str(error))


def _tls_fails(why: str) -> str:
    return f"TLS fails: {why} (the right port? a certificate of ours wanted?)"


def _no_greeting(error: Any) -> str:
    """By TLS 1.3 a certificate is refused after the handshake: an alert, if it outruns the end."""
    alert = _ALERT.search(str(error))
    if alert:
        return _tls_fails(alert.group(1))
    return "it hung up before any greeting (the right port? amqps? a certificate of ours wanted?)"


_WORDS: tuple[tuple[type[BaseException], Callable[[Any], str | None]], ...] = (
    (exceptions.ChannelClosedByBroker, _closed_channel),
    (
        exceptions.ProbableAuthenticationError,
        lambda _: "it refuses the user or the password: see broker.user and broker.password",
    ),
    (
        exceptions.ProbableAccessDeniedError,
        lambda _: "it has no such virtual host for this user: see broker.url",
    ),
    (exceptions.IncompatibleProtocolError, _no_greeting),
    (
        exceptions.ConnectionClosedByBroker,
        lambda error: f"it closed the connection: {error.reply_text}",
    ),
    (ssl.SSLCertVerificationError, _untrusted),
    (ssl.SSLError, _tls),
    (OSError, lambda error: error.strerror),
)
"""The first that fits an error speaks for it."""
