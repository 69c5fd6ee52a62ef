"""Announcements as entries of the journal and messages for the broker. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.app.keeping import Sayable
from plugin.broker.message import (
    decision_message,
    finding_message,
    poseidon_message,
    verdict_message,
)
from plugin.ml.verdict import finding_document, to_document
from plugin.offline.networkml import predictions
from plugin.policy import remembered
from plugin.policy.decision import decision_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.engine.commands import Announce, AnnounceFinding
    from plugin.policy.cases import Transition

DECISION = "decision"
"""The kind of a decision's entries."""


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


def decision_sayable(transition: Transition, now: float) -> Sayable:
    """A step of a case; its entry names who made it."""
    message = decision_message(decision_document(transition))
    return Sayable(now, DECISION, decision_body(transition), (message,), transition.case.actor)


def decision_body(transition: Transition) -> dict[str, Any]:
    """A step of a case as it stands in the journal: the case as it is after it."""
    return {
        "case": remembered.to_document(transition.case),
        "before": transition.before,
        "why": transition.why,
    }
