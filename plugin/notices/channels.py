"""The channels that the settings name: webhook, syslog, e-mail; opened, and nothing sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.errors import SettingsError
from plugin.settings.secret import read_secret
from plugin.settings.urls import split_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.notices.notice import Channel
    from plugin.settings import Settings


def open_channels(settings: Settings, clock: Callable[[], float]) -> tuple[Channel, ...]:
    """Open all channels that the settings name; files of secrets are read now.

    Args:
        settings: what the operator decided.
        clock: seconds since 1970-01-01 UTC.

    Raises:
        SettingsError: a file of a secret or of certificates cannot be used.
    """
    found = (_webhook(settings, clock), _syslog(settings), _mail(settings))
    return tuple(one for one in found if one is not None)


def _webhook(settings: Settings, clock: Callable[[], float]) -> Channel | None:
    want = settings.notify
    if want.webhook_url is None:
        return None
    from plugin.notices.webhook import Webhook, read_key

    if want.webhook_secret_file is None:
        raise SettingsError("notify.webhook_url needs notify.webhook_secret_file")
    name = "notify.webhook_secret_file"
    secret = read_secret(want.webhook_secret_file, name)
    key = read_key(secret.reveal(), name)
    return Webhook(want.webhook_url, key, ca=want.webhook_ca, clock=clock)


def _syslog(settings: Settings) -> Channel | None:
    want = settings.notify
    if want.syslog is None:
        return None
    from plugin.notices.syslog import Syslog, read_receiver

    return Syslog(read_receiver(want.syslog), want.syslog_facility)


def _mail(settings: Settings) -> Channel | None:
    want = settings.notify
    if want.mail_server is None:
        return None
    from plugin.notices.mail import Mail, Server, tls_context

    if want.mail_from is None or not want.mail_to:
        raise SettingsError("notify.mail_server needs notify.mail_from and notify.mail_to")
    host, port = split_address(want.mail_server)
    password = None
    if want.mail_password_file is not None:
        password = read_secret(want.mail_password_file, "notify.mail_password_file")
    encrypted = want.mail_tls != "none"
    server = Server(
        host,
        port,
        want.mail_tls,
        tls_context(want.mail_ca, "notify.mail_ca") if encrypted else None,
        want.mail_user,
        password,
    )
    return Mail(server, want.mail_from, want.mail_to, want.mail_every)
