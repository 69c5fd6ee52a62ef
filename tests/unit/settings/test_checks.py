from __future__ import annotations

import pytest

from plugin import settings
from plugin.errors import SettingsError

LOGIN = {"HALIA_NOTIFY_MAIL_USER": "halia", "HALIA_NOTIFY_MAIL_PASSWORD_FILE": "/p"}
SERVER = {"HALIA_ISOLATION_CONFRPC_ADDRESS": "host:1", "HALIA_ISOLATION_CONFRPC_CA": "/ca"}
USER = {"HALIA_BROKER_USER": "halia"}


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        (
            {**USER, "HALIA_BROKER_PASSWORD": "hunter2", "HALIA_BROKER_PASSWORD_FILE": "/p"},
            (
                "variable HALIA_BROKER_PASSWORD_FILE: broker.password_file:"
                " broker.password is given too: which one counts?"
            ),
        ),
        (
            USER,
            (
                "variable HALIA_BROKER_USER: broker.user: has no broker.password and no"
                " broker.password_file"
            ),
        ),
        (
            {"HALIA_BROKER_PASSWORD": "hunter2"},
            "variable HALIA_BROKER_PASSWORD: broker.password: whose? broker.user is missing",
        ),
        (
            {"HALIA_BROKER_KEY": "/k"},
            "variable HALIA_BROKER_KEY: broker.key: a key of what? broker.cert is missing",
        ),
        (
            {"HALIA_BROKER_URL": "amqp://host", "HALIA_BROKER_CA": "/ca"},
            (
                "variable HALIA_BROKER_CA: broker.ca: not used, for broker.url does not begin with"
                " amqps://"
            ),
        ),
        (
            {"HALIA_FAUCET_EVENTS": "rabbitmq"},
            "variable HALIA_FAUCET_EVENTS: faucet.events: rabbitmq needs broker.url",
        ),
        (
            {"HALIA_CAPTURE_ROTATE_SIZE": "0", "HALIA_CAPTURE_ROTATE_TIME": "0"},
            (
                "variable HALIA_CAPTURE_ROTATE_TIME: capture.rotate_time: 0, and so is"
                " capture.rotate_size: no capture would ever be finished"
            ),
        ),
        (
            {"HALIA_ISOLATION_ADAPTER": "confrpc", **SERVER},
            (
                "variable HALIA_ISOLATION_ADAPTER: isolation.adapter: confrpc needs"
                " isolation.confrpc_cert"
            ),
        ),
        (
            {"HALIA_NOTIFY_WEBHOOK_URL": "https://hook"},
            (
                "variable HALIA_NOTIFY_WEBHOOK_URL: notify.webhook_url: nobody could tell whose"
                " notices they are: notify.webhook_secret_file is missing"
            ),
        ),
        (
            {"HALIA_NOTIFY_MAIL_SERVER": "mail:587", "HALIA_NOTIFY_MAIL_FROM": "a@b"},
            (
                "variable HALIA_NOTIFY_MAIL_SERVER: notify.mail_server: whom is mail for?"
                " notify.mail_to is missing"
            ),
        ),
        (
            {"HALIA_NOTIFY_MAIL_SERVER": "mail:587", "HALIA_NOTIFY_MAIL_TO": "a@b, c@d"},
            (
                "variable HALIA_NOTIFY_MAIL_SERVER: notify.mail_server: whom is mail from?"
                " notify.mail_from is missing"
            ),
        ),
        (
            {"HALIA_NOTIFY_MAIL_USER": "halia"},
            (
                "variable HALIA_NOTIFY_MAIL_USER: notify.mail_user: with what password?"
                " notify.mail_password_file is missing"
            ),
        ),
        (
            {"HALIA_NOTIFY_MAIL_PASSWORD_FILE": "/p"},
            (
                "variable HALIA_NOTIFY_MAIL_PASSWORD_FILE: notify.mail_password_file: whose"
                " password? notify.mail_user is missing"
            ),
        ),
        (
            {**LOGIN, "HALIA_NOTIFY_MAIL_TLS": "none"},
            (
                "variable HALIA_NOTIFY_MAIL_USER: notify.mail_user: a password is not sent where"
                " notify.mail_tls is none"
            ),
        ),
        (
            {"HALIA_NOTIFY_MAIL_CA": "/ca", "HALIA_NOTIFY_MAIL_TLS": "none"},
            (
                "variable HALIA_NOTIFY_MAIL_CA: notify.mail_ca: not used where notify.mail_tls is"
                " none"
            ),
        ),
    ],
)
def test_what_does_not_go_together_is_refused(environ: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load_settings(environ=environ)
    assert caught.value.problems == (problem,)


@pytest.mark.parametrize(
    "environ",
    [
        {**USER, "HALIA_BROKER_PASSWORD": "hunter2"},
        {"HALIA_BROKER_URL": "amqps://host", "HALIA_BROKER_CA": "/ca", "HALIA_BROKER_CERT": "/c"},
        {"HALIA_BROKER_URL": "amqp://host", "HALIA_FAUCET_EVENTS": "rabbitmq"},
        {"HALIA_CAPTURE_ROTATE_SIZE": "0"},
        SERVER,
        {**SERVER, "HALIA_ISOLATION_ADAPTER": "confrpc", "HALIA_ISOLATION_CONFRPC_CERT": "/c"},
        {**LOGIN, "HALIA_NOTIFY_MAIL_TLS": "tls"},
        {"HALIA_NOTIFY_WEBHOOK_URL": "https://hook", "HALIA_NOTIFY_WEBHOOK_SECRET_FILE": "/p"},
    ],
)
def test_what_goes_together_is_taken(environ: dict[str, str]) -> None:
    settings.load_settings(environ=environ)


def test_nothing_is_said_of_settings_that_are_wrong_themselves() -> None:
    environ = {"HALIA_BROKER_URL": "rabbit", "HALIA_FAUCET_EVENTS": "rabbitmq"}
    with pytest.raises(SettingsError) as caught:
        settings.load_settings(environ=environ)
    assert [p.partition(": ")[0] for p in caught.value.problems] == ["variable HALIA_BROKER_URL"]


def test_an_option_can_make_it_right() -> None:
    environ = {"HALIA_FAUCET_EVENTS": "rabbitmq"}
    loaded = settings.load_settings(environ=environ, flags={"broker.url": "amqp://host"})
    assert loaded.broker.url == "amqp://host"
