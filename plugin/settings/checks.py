"""Settings that are right each by itself, and do not go together. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Conflict = tuple[tuple[str, ...], str]
"""The keys that it rests on, the one to tell it of first; and what is wrong."""
_NEEDS = (
    (
        "notify.webhook_url",
        "notify.webhook_secret_file",
        "nobody could tell whose notices they are:",
    ),
    ("notify.mail_server", "notify.mail_from", "whom is mail from?"),
    ("notify.mail_server", "notify.mail_to", "whom is mail for?"),
    ("notify.mail_user", "notify.mail_password_file", "with what password?"),
    ("notify.mail_password_file", "notify.mail_user", "whose password?"),
)
"""What is given, what it needs, and what there is to say where that is missing."""
_ENCRYPTED = {"notify.mail_user": "a password is not sent", "notify.mail_ca": "not used"}


def conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    """Give all conflicts between settings, given by key."""
    yield from _login(values)
    yield from _certificates(values)
    yield from _notices(values)
    yield from _confrpc(values)
    if values["faucet.events"] == "rabbitmq" and values["broker.url"] is None:
        yield ("faucet.events", "broker.url"), "rabbitmq needs broker.url"
    if not values["capture.rotate_time"] and not values["capture.rotate_size"]:
        keys = ("capture.rotate_time", "capture.rotate_size")
        yield keys, "0, and so is capture.rotate_size: no capture would ever be finished"


def _confrpc(values: Mapping[str, Any]) -> Iterator[Conflict]:
    if values["isolation.adapter"] == "confrpc":
        for key in ("address", "ca", "cert"):
            if values[f"isolation.confrpc_{key}"] is None:
                keys = ("isolation.adapter", f"isolation.confrpc_{key}")
                yield keys, f"confrpc needs {keys[1]}"


def _login(values: Mapping[str, Any]) -> Iterator[Conflict]:
    ways = ("broker.password_file", "broker.password")
    given = [key for key in ways if values[key] is not None]
    if len(given) > 1:
        yield ways, "broker.password is given too: which one counts?"
    if not given and values["broker.user"] is not None:
        yield ("broker.user", *ways), "has no broker.password and no broker.password_file"
    if given and values["broker.user"] is None:
        yield (given[0], "broker.user"), "whose? broker.user is missing"


def _certificates(values: Mapping[str, Any]) -> Iterator[Conflict]:
    if values["broker.key"] is not None and values["broker.cert"] is None:
        yield ("broker.key", "broker.cert"), "a key of what? broker.cert is missing"
    url = values["broker.url"]
    for key in ("broker.ca", "broker.cert", "broker.key"):
        if values[key] is not None and url is not None and not url.startswith("amqps:"):
            yield (key, "broker.url"), "not used, for broker.url does not begin with amqps://"


def _notices(values: Mapping[str, Any]) -> Iterator[Conflict]:
    for given, needed, question in _NEEDS:
        if values[given] and not values[needed]:
            yield (given, needed), f"{question} {needed} is missing"
    if values["notify.mail_tls"] == "none":
        for key, what in _ENCRYPTED.items():
            if values[key] is not None:
                yield (key, "notify.mail_tls"), f"{what} where notify.mail_tls is none"
