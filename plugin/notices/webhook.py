"""Notices as POSTs of JSON, signed as Standard Webhooks 1.0 has it.

Whoever has the secret can check, with any library for that standard, that a notice is ours, whole
and fresh: ``webhook-signature: v1,BASE64(HMAC-SHA256(secret, "ID.SECONDS.BODY"))``. The id is the
same at each try.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
import requests.adapters
import requests.utils

import plugin
from plugin.errors import SettingsError
from plugin.notices.notice import ChannelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from plugin.notices.notice import Notice

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 10.0
SECRET_LEAST = 24
"""Bytes, as the standard asks."""
PREFIX = "whsec_"
_VAIN = frozenset({400, 413, 415, 422})
"""Answers that say that this notice will never be taken; all others may change."""


class Webhook:
    """One receiver.

    Args:
        url: where to.
        key: of :func:`read_key`.
        ca: PEM file of who signed the receiver's certificate; None: the system's.
        clock: seconds since 1970-01-01 UTC.
    """

    name = "webhook"
    at_once = 1
    every = 0.0

    def __init__(
        self,
        url: str,
        key: bytes,
        *,
        ca: Path | None,
        clock: Callable[[], float],
    ) -> None:
        self._url, self._key, self._clock = url, key, clock
        self._verify = _authorities() if ca is None else str(ca)
        self._session = requests.Session()
        # No login of ~/.netrc is sent along; a proxy of the environment is used all the same.
        self._session.trust_env = False

    def send(self, notices: Sequence[Notice]) -> None:
        """Deliver one notice.

        Raises:
            ChannelError: nobody took it.
        """
        (notice,) = notices
        body = json.dumps(notice.document, allow_nan=False, separators=(",", ":")).encode()
        seconds = int(self._clock())
        headers = {
            "content-type": "application/json",
            "user-agent": f"halia/{plugin.__version__}",
            "webhook-id": notice.id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": sign(self._key, notice.id, seconds, body),
        }
        try:
            # The answer's body is of no use to us: it is never read.
            with self._session.post(
                self._url,
                data=body,
                headers=headers,
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
                verify=self._verify,
                proxies=requests.utils.get_environ_proxies(self._url),
                stream=True,
            ) as answer:
                status, after = answer.status_code, answer.headers.get("retry-after")
        except requests.RequestException as error:
            raise ChannelError(f"{_host(self._url)}: {_short(error)}") from error
        except ValueError as error:  # urllib3's, of a host that is no name: requests lets it pass
            raise ChannelError(f"{_host(self._url)}: is no name of a host") from error
        if status >= requests.codes.bad_request or status < requests.codes.ok:
            vain = status in _VAIN
            reason = f"{_host(self._url)} answers {status}"
            raise ChannelError(reason, vain=vain, after=_seconds(after))
        if status >= requests.codes.multiple_choices:
            raise ChannelError(
                f"{_host(self._url)} answers {status}, a redirect, which is not followed:"
                " give the final address"
            )

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()


def sign(key: bytes, message_id: str, seconds: int, body: bytes) -> str:
    """The signature of a message, as its header has it."""
    content = f"{message_id}.{seconds}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()}"


def read_key(text: str, where: str) -> bytes:
    """The key that a secret's text stands for: ``whsec_BASE64``, or the text itself.

    Args:
        text: the secret.
        where: the setting that it is of.

    Raises:
        SettingsError: it is too short, or no base64 follows ``whsec_``.
    """
    key = text.encode()
    if text.startswith(PREFIX):
        try:
            key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            raise SettingsError(f"{where}: what follows {PREFIX} is no base64") from None
    if len(key) < SECRET_LEAST:
        raise SettingsError(
            f"{where}: a secret of at least {SECRET_LEAST} bytes is expected:"
            " echo whsec_$(openssl rand -base64 32)"
        )
    return key


def _authorities() -> str | bool:
    """Whom the system trusts; the list that comes with requests where the system has none."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True


def _host(url: str) -> str:
    """Of an address only this is told: its path may be what keeps strangers out."""
    return urlsplit(url).netloc


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds; a date there is passed over."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


def _short(error: Exception) -> str:
    """The innermost cause, without the names of the library's classes around it."""
    seen: BaseException = error
    while isinstance(seen, Exception) and seen.args and isinstance(seen.args[-1], BaseException):
        seen = seen.args[-1]
    reason = getattr(seen, "reason", None)
    while isinstance(reason, BaseException):
        seen, reason = reason, getattr(reason, "reason", None)
    return str(seen).rpartition(": ")[2].strip("'\"()") or type(error).__name__
