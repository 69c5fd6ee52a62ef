from __future__ import annotations

import pytest

from plugin import settings
from plugin.errors import SettingsError

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
