"""Announcements as entries of the journal and messages for the broker. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.app.keeping import Sayable
from plugin.broker.message import finding_message, poseidon_message, verdict_message
from plugin.ml.verdict import finding_document, to_document
from plugin.offline.networkml import predictions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.engine.commands import Announce, AnnounceFinding


def verdict_sayable(command: Announce, labels: Mapping[str, str], now: float) -> Sayable:
    """The verdict on a finished capture: for everyone, and for Poseidon with its end mark.

    Args:
        command: What to announce.
        labels: NetworkML's own label of a class.
        now: The time.
    """
    document = to_document(command.verdict)
    ours = verdict_message(document)
    messages = [ours]
    if command.verdict.mac is not None:
        parts = predictions(command.verdict.source, [command.verdict], labels)
        messages += [poseidon_message(part) for part in parts]
    body = {
        "mac": command.verdict.mac,
        "capture": command.capture,
        "message_id": ours.message_id,
        "verdict": document,
    }
    return Sayable(now, "verdict", body, tuple(messages))


def finding_sayable(command: AnnounceFinding, now: float) -> Sayable:
    """A finding, said while it happens."""
    document = finding_document(
        command.mac, command.ips, command.capture, command.role, command.found
    )
    message = finding_message(document)
    body = {
        "mac": command.mac,
        "capture": command.capture,
        "message_id": message.message_id,
        "verdict": document,
    }
    return Sayable(now, "finding", body, (message,))
