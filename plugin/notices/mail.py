"""Notices as e-mail: those of a minute in one, so that a bad day does not fill a mailbox."""

from __future__ import annotations

import smtplib
import socket
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import SettingsError
from plugin.notices.notice import ChannelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from plugin.notices.notice import Notice
    from plugin.settings.secret import Secret

AT_ONCE = 100
"""Notices in one mail at most."""
SECONDS = 10.0
"""For each answer of the server."""
_UNWRITABLE = (
    "its name, the user or the password has a letter that cannot be sent: use ASCII"
    " (notify.mail_server, mail_user, mail_password_file)"
)
_VAIN = range(550, 560)
"""Answers to the message itself that another try would not change."""


class Server(NamedTuple):
    """Who takes our mail."""

    host: str
    port: int
    tls: str
    """``starttls``, ``tls`` (from the first byte) or ``none``."""
    context: ssl.SSLContext | None
    user: str | None = None
    password: Secret | None = None


class Mail:
    """One server, and whom it is for.

    Args:
        server: takes it.
        sender: the address that it is from.
        to: the addresses that it is for.
        every: seconds between two mails.
    """

    name = "mail"
    at_once = AT_ONCE

    def __init__(self, server: Server, sender: str, to: Sequence[str], every: float) -> None:
        self.every = every
        self._server, self._sender, self._to = server, sender, tuple(to)

    def send(self, notices: Sequence[Notice]) -> None:
        """Deliver all in one mail.

        Raises:
            ChannelError: it was not possible.
        """
        mail = compose(notices, self._sender, self._to)
        where = f"{self._server.host}:{self._server.port}"
        try:
            with self._open() as link:
                self._begin(link)
                refused = link.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            raise ChannelError(f"{where}: {_answers(error.recipients)}") from error
        except smtplib.SMTPResponseException as error:
            said = error.smtp_error
            words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
            vain = isinstance(error, smtplib.SMTPDataError) and error.smtp_code in _VAIN
            raise ChannelError(f"{where} answers {error.smtp_code} {words}", vain=vain) from error
        except (OSError, smtplib.SMTPException) as error:
            reason = getattr(error, "verify_message", None) or getattr(error, "strerror", None)
            raise ChannelError(f"{where}: {reason or error}") from error
        except UnicodeError:  # smtplib's own; it holds the password
            raise ChannelError(f"{where}: {_UNWRITABLE}") from None
        if refused:  # the others have it: the mail is not sent again to all
            raise ChannelError(f"{where}: {_answers(refused)}", vain=True)

    def close(self) -> None:
        """Nothing is open between two mails."""

    def _open(self) -> smtplib.SMTP:
        one, name = self._server, socket.gethostname()
        if one.tls == "tls":
            return smtplib.SMTP_SSL(one.host, one.port, name, timeout=SECONDS, context=one.context)
        return smtplib.SMTP(one.host, one.port, name, timeout=SECONDS)

    def _begin(self, link: smtplib.SMTP) -> None:
        """Encrypt and log in; a server that cannot is not used unencrypted."""
        one = self._server
        if one.tls == "starttls":
            link.starttls(context=one.context)
        if one.user is not None and one.password is not None:
            link.login(one.user, one.password.reveal())


def compose(notices: Sequence[Notice], sender: str, to: Sequence[str]) -> EmailMessage:
    """One mail of some notices; at least one."""
    mail, first = EmailMessage(SMTP), notices[0]
    mail["From"], mail["To"] = sender, ", ".join(to)
    more = f" and {len(notices) - 1} more" if len(notices) > 1 else ""
    mail["Subject"] = f"Halia: {first.title}{more}"
    mail["Date"] = format_datetime(datetime.fromtimestamp(int(first.time), UTC))
    # The same at each try: a server that has it already can drop the second.
    mail["Message-ID"] = f"<{first.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday reply comes back
    mail.set_content("\n\n".join(map(_paragraph, notices)) + "\n")
    return mail


def tls_context(ca: Path | None, where: str) -> ssl.SSLContext:
    """Whom to trust; names are checked.

    Args:
        ca: PEM file; None: the system's authorities.
        where: the setting that it is of.

    Raises:
        SettingsError: the file cannot be used.
    """
    try:
        return ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        raise SettingsError(f"{where}: {ca}: no certificate in PEM") from None
    except OSError as error:
        raise SettingsError(f"{where}: {ca}: {error.strerror}") from error


def _paragraph(notice: Notice) -> str:
    fields = [f"    {name}: {value}" for name, value in notice.fields.items()]
    stamp = datetime.fromtimestamp(int(notice.time), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return "\n".join([f"{stamp}  {notice.title}", f"    {notice.text}", *fields])


def _answers(refused: dict[str, tuple[int, bytes]]) -> str:
    answers = (
        f"{to}: {code} {said.decode('utf-8', 'replace')}" for to, (code, said) in refused.items()
    )
    return "; ".join(answers)
