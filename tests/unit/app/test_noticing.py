"""From settings to channels: what is named is opened, and what cannot be used is said."""

from __future__ import annotations

import socket
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from plugin.app.inbox import Inbox
from plugin.app.noticing import ALARM, open_notices
from plugin.engine import events as ev
from plugin.errors import SettingsError
from plugin.notices.post import WAITING_MOST
from plugin.notices.syslog import Syslog
from plugin.notices.webhook import Webhook
from tests.apps import settings
from tests.cases import AT, step
from tests.mail import PASSWORD, MailServer
from tests.rabbit import free_ports

KEY = "k" * 24


def secret(folder: Path, text: str) -> Path:
    file = folder / "secret"
    file.write_text(text)
    file.chmod(0o600)
    return file


def test_without_a_channel_nothing_is_told(tmp_path: Path) -> None:
    found = open_notices(settings(tmp_path), Inbox())
    assert found.posts == ()
    assert found.status() is None


def test_each_channel_that_is_named_is_there(tmp_path: Path) -> None:
    found = open_notices(
        settings(
            tmp_path,
            notify__webhook_url="https://hook.example/halia",
            notify__webhook_secret_file=secret(tmp_path, KEY),
            notify__syslog="udp://127.0.0.1:514",
            notify__mail_server="127.0.0.1:25",
            notify__mail_tls="starttls",
            notify__mail_from="halia@example.org",
            notify__mail_to=("kim@example.org",),
        ),
        Inbox(),
    )
    assert [post.name for post in found.posts] == ["webhook", "syslog", "mail"]


def test_what_is_decided_goes_the_whole_way(tmp_path: Path) -> None:
    place = tmp_path / "log"
    with MailServer() as mail, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(place))
        found = open_notices(
            settings(
                tmp_path,
                notify__syslog=str(place),
                notify__syslog_facility="local7",
                notify__mail_server=f"127.0.0.1:{mail.port}",
                notify__mail_tls="none",
                notify__mail_from="halia@example.org",
                notify__mail_to=("kim@example.org", "lee@example.org"),
                notify__states=("released",),
                notify__alarms=("orphan",),
            ),
            Inbox(),
        )
        found.decided(step())
        found.decided(step("released", "releasing"))
        found.alarm(AT, "caps", None, "text")
        found.alarm(AT, "orphan", None, "text")
        ended = Event()
        ended.set()
        for post in found.posts:
            post.run(ended)  # delivers what waits, and lets go of the channel
        lines = [log.recv(65_536) for _ in range(2)]
    assert lines[0].startswith(b"<189>")
    assert b'state="released"' in lines[0]
    assert b'alarm="orphan"' in lines[1]
    assert mail.recipients == [["kim@example.org", "lee@example.org"]]


def test_that_notices_are_lost_is_an_alarm(tmp_path: Path) -> None:
    inbox = Inbox()
    found = open_notices(
        settings(tmp_path, notify__syslog=f"tcp://127.0.0.1:{free_ports(1)[0]}"), inbox
    )
    for number in range(WAITING_MOST + 2):
        found.decided(step(number=number + 1))
    (noticed,) = inbox.take(0)
    assert isinstance(noticed, ev.Noticed)
    assert noticed.kind == ALARM
    assert noticed.text.startswith("notices by syslog are lost: more than")
    # The alarm itself would only be one more that is not delivered.
    assert ALARM not in settings(tmp_path).notify.alarms


@pytest.mark.parametrize(
    ("given", "text", "problem"),
    [
        ({"webhook_url": "https://hook"}, None, "needs notify.webhook_secret_file"),
        (
            {"webhook_url": "https://hook", "webhook_secret_file": ...},
            "hunter2",
            "notify.webhook_secret_file: a secret of at least 24 bytes is expected",
        ),
        (
            {"webhook_url": "https://hook", "webhook_secret_file": ...},
            "",
            "notify.webhook_secret_file: one line of text is expected, the key",
        ),
        ({"mail_server": "mail:587"}, None, "needs notify.mail_from and notify.mail_to"),
        (
            {
                "mail_server": "mail:587", "mail_from": "a@b", "mail_to": ("c@d",),
                "mail_user": "halia", "mail_password_file": ...,
            },
            "",
            "notify.mail_password_file: one line of text is expected, the password",
        ),
        (
            {
                "mail_server": "mail:587", "mail_from": "a@b", "mail_to": ("c@d",),
                "mail_ca": Path("/nowhere/ca"),
            },
            None,
            "notify.mail_ca: /nowhere/ca: No such file",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_at_the_start(
    tmp_path: Path, given: dict[str, Any], text: str | None, problem: str
) -> None:
    flags = {
        f"notify__{key}": secret(tmp_path, text or "") if value is ... else value
        for key, value in given.items()
    }
    with pytest.raises(SettingsError, match=problem):
        # Not all of it can be given by a file, whose conflicts are told by the loader.
        open_notices(_settings(tmp_path, flags), Inbox())


def _settings(folder: Path, flags: dict[str, Any]) -> Any:
    from plugin.settings import Settings

    plain = settings(folder)
    values = {key: plain.value(key) for key in plain.origins}
    values |= {key.replace("__", "."): value for key, value in flags.items()}
    return Settings(values, plain.origins)


def test_a_login_is_used(tmp_path: Path) -> None:
    found = open_notices(
        settings(
            tmp_path,
            notify__mail_server="127.0.0.1:25",
            notify__mail_from="halia@example.org",
            notify__mail_to=("kim@example.org",),
            notify__mail_user="halia",
            notify__mail_password_file=secret(tmp_path, f"{PASSWORD}\n"),
        ),
        Inbox(),
    )
    server = found.posts[0]._channel._server  # type: ignore[attr-defined]  # the real one
    assert (server.user, server.password.reveal(), server.tls) == ("halia", PASSWORD, "starttls")
    assert server.context.check_hostname


def test_a_webhook_has_its_key_and_syslog_its_facility(tmp_path: Path) -> None:
    file = secret(tmp_path, f"{KEY}\n")
    found = open_notices(
        settings(
            tmp_path,
            notify__webhook_url="https://hook.example/halia",
            notify__webhook_secret_file=file,
            notify__syslog="/dev/log",
        ),
        Inbox(),
    )
    webhook, syslog = (post._channel for post in found.posts)
    assert isinstance(webhook, Webhook)
    assert isinstance(syslog, Syslog)
    assert webhook._key == KEY.encode()
    assert syslog._facility == 3
