"""Roles and anomalies as they come back from their JSON, such as a journal's. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.ml.behaviour.finding import Finding
from plugin.ml.verdict import Anomaly, Role

if TYPE_CHECKING:
    from collections.abc import Mapping


def role_from(document: Mapping[str, Any]) -> Role:
    """The role of :func:`plugin.ml.verdict.role_document`.

    Raises:
        KeyError, TypeError, ValueError: it is no such document.
    """
    return Role(
        decision=str(document["decision"]),
        labels=tuple(map(str, document["labels"])),
        confidences=tuple(map(float, document["confidences"])),
        model=str(document["model"]),
        reason=None if document["reason"] is None else str(document["reason"]),
    )


def anomaly_from(document: Mapping[str, Any] | None) -> Anomaly | None:
    """The anomaly of :func:`plugin.ml.verdict.anomaly_document`; None where there was none.

    Raises:
        KeyError, TypeError, ValueError: it is no such document.
    """
    if document is None:
        return None
    return Anomaly(
        verdict=str(document["verdict"]),
        novelty=_finding_or_none(document["novelty"]),
        change=_finding_or_none(document["change"]),
        behaviour=tuple(map(_finding, document["behaviour"])),
    )


def _finding_or_none(document: Mapping[str, Any] | None) -> Finding | None:
    return None if document is None else _finding(document)


def _finding(document: Mapping[str, Any]) -> Finding:
    return Finding(
        name=str(document["name"]),
        score=float(document["score"]),
        threshold=float(document["threshold"]),
        reasons=tuple(map(str, document["reasons"])),
        evidence=tuple(map(str, document["evidence"])),
    )
