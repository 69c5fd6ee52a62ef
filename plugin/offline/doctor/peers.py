"""Those that take what Halia says: the broker and the database. Both are asked, nothing is made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from plugin.errors import HaliaError, SettingsError, install_extra
from plugin.offline.doctor.account import may, seen_by
from plugin.offline.doctor.check import Check, failed, ok, skipped

if TYPE_CHECKING:
    import pika

    from plugin.capture.privileges import Account
    from plugin.settings import Settings

_NOT_FOUND = 404
_OWNER = "run as the user whose file it is (run.user), or give it to this one"


def broker(settings: Settings) -> Check:
    """RabbitMQ: reached, let in, and the exchanges ours to use."""
    name, place = "broker", settings.broker
    if place.url is None:
        return skipped(name, "broker.url is not set: verdicts stay in the journal and the store")
    try:
        import pika.exceptions

        from plugin.broker.parameters import connection_parameters
        from plugin.broker.reasons import reason
    except ModuleNotFoundError as error:
        return failed(name, f"{error.name} is not installed", install_extra("live"))
    from plugin.settings.secret import broker_password

    try:
        secret = broker_password(place)
        parameters = connection_parameters(
            place.url,
            user=place.user,
            password=None if secret is None else secret.reveal(),
            ca=place.ca,
            cert=place.cert,
            key=place.key,
        )
    except SettingsError as error:
        return failed(name, "; ".join(error.problems), "see docs/broker.md")
    where = f"{parameters.host}:{parameters.port}"
    try:
        with pika.BlockingConnection(parameters) as connection:
            missing = _missing(connection)
    except (pika.exceptions.AMQPError, OSError) as error:
        return failed(name, f"{where}: {reason(error)}", "see docs/broker.md; is it up?")
    if missing:
        return ok(name, f"{where} lets us in; to be declared: {', '.join(missing)}")
    return ok(name, f"{where} lets us in, and has the exchanges")


def _missing(connection: pika.BlockingConnection) -> list[str]:
    """The exchanges that are not there yet; whatever else is said about one is raised."""
    import pika.exceptions

    from plugin.broker.link import EVENTS, POSEIDON, VERDICTS

    missing = []
    for exchange in (POSEIDON, VERDICTS, EVENTS):
        channel = connection.channel()
        try:
            channel.exchange_declare(exchange.name, "topic", passive=True)
        except pika.exceptions.ChannelClosedByBroker as error:
            if error.reply_code != _NOT_FOUND:
                raise
            missing.append(exchange.name)
    return missing


def store(settings: Settings, account: Account) -> Check:
    """The database: reached and let in, or a file that is one.

    Args:
        settings: of the run to come.
        account: whom it becomes.
    """
    name = "store"
    try:
        from sqlalchemy import text

        from plugin.store import database
    except ModuleNotFoundError as error:
        return failed(name, f"{error.name} is not installed", install_extra("live"))
    try:
        url = database.place(settings.store.url or settings.run.state / "state.sqlite")
        shown = database.shown(url)
        file = url.get_backend_name() == "sqlite" and Path(str(url.database))
        if file:
            with seen_by(account):
                if not file.exists():
                    return skipped(name, f"{shown} will be made")
                if not may(file, os.R_OK | os.W_OK):
                    return failed(name, f"{shown} does not let {account.name} in", _OWNER)
        engine = database.connect(url)
        try:
            with database.told(url), engine.connect() as connection:
                connection.execute(text("SELECT 1" if not file else "PRAGMA schema_version"))
        finally:
            engine.dispose()
    except HaliaError as error:
        return failed(name, str(error), error.advice or "see store.url")
    return ok(name, f"{shown} answers")


def notices(settings: Settings) -> Check:
    """The channels of notices, with their files of secrets and certificates; nothing is sent."""
    name = "notices"
    try:
        from plugin.notices.channels import open_channels

        found = open_channels(settings, lambda: 0.0)  # its time is of what it sends
    except ModuleNotFoundError as error:
        return failed(name, f"{error.name} is not installed", install_extra("live"))
    except SettingsError as error:
        what = "; ".join(error.problems)
        return failed(name, what, "'halia run' would not start; see docs/notices.md")
    if not found:
        return skipped(name, "notify names no channel: nobody is told")
    return ok(name, f"set up: {', '.join(one.name for one in found)}; nothing was sent to try them")
