"""What the daemon can be asked, as functions: the same for the control socket and what comes. Pure.

All of it may be called from several threads at once, must answer at once, and hands out documents
that nobody changes any more. Who acts is never taken from what is said: it is the *actor*, which
whoever serves this knows from the kernel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from plugin.policy.cases import HALIA, NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from plugin.control.peer import Peer
    from plugin.control.protocol import Request

Document = dict[str, Any]


class Service(Protocol):
    """What whoever serves it brings: the app.

    Functions with an ``actor`` act. They answer with the steps that cases took: documents with
    ``case`` (as in :meth:`decisions`), ``before`` (its state until then, or null) and ``why``. They
    raise DeniedError for what will not be done; then nothing was.
    """

    def status(self) -> Document:
        """How each part is; docs/control.md names the fields."""

    def devices(self) -> Iterable[Document]:
        """The document of each device."""

    def device(self, key: str) -> Document | None:
        """The document of one, with ``past`` (how it was, or null) and ``history``.

        The history is what was found, the last first.

        Args:
            key: its MAC address, IP address or name.

        Returns:
            None: there is no such device.
        """

    def decisions(self, *, over: bool) -> Iterable[Document]:
        """The document of each case, by number.

        Args:
            over: also of those that are over, as long as they are known.
        """

    def explain(self, key: str) -> Document | None:
        """What the policy says about a device, with ``case``: what is decided about it, or null.

        Args:
            key: its MAC address, IP address or name.

        Returns:
            None: there is no such device.
        """

    def isolate(
        self, key: str, action: str, seconds: float | None, *, actor: str, reason: str
    ) -> Iterable[Document]:
        """Isolate a device.

        Args:
            key: its MAC address, IP address or name.
            action: as :func:`plugin.actions.parse_action` takes it.
            seconds: how long; None: until it is released.
            actor: who wants it.
            reason: why, in his words.
        """

    def release(self, key: str | None, *, actor: str, reason: str) -> Iterable[Document]:
        """End the isolation of a device, or of all."""

    def answer(self, number: int, *, approve: bool, actor: str, reason: str) -> Iterable[Document]:
        """Approve or deny what a rule asks for."""

    def extend(self, number: int, seconds: float, *, actor: str, reason: str) -> Iterable[Document]:
        """Have an isolation end so many seconds from now."""

    def thaw(self, *, actor: str, reason: str) -> Iterable[Document]:
        """Allow new isolations again after a breach of the caps."""


def answers(service: Service) -> Callable[[Request, Peer], Iterator[Mapping[str, Any]]]:
    """Give what answers requests: a function of the request and who asks."""

    def answer(request: Request, peer: Peer) -> Iterator[Mapping[str, Any]]:
        yield from _ANSWERS[request.ask](service, dict(request.arguments), actor_of(peer))

    return answer


def actor_of(peer: Peer) -> str:
    """What somebody is called in the journal: never what Halia calls itself, or nobody."""
    return f"{peer.user} (uid {peer.uid})" if peer.user in {HALIA, NOBODY} else peer.user


def device_event(document: Mapping[str, Any]) -> Document:
    """What watchers get when a device is new or has changed."""
    return {"event": "device", "device": document}


def alarm_event(time: float, kind: str, mac: str | None, text: str) -> Document:
    """What watchers get when there is an alarm."""
    return {"event": "alarm", "time": time, "alarm": kind, "mac": mac, "text": text}


def decision_event(document: Mapping[str, Any]) -> Document:
    """What watchers get when a case makes a step: its document (docs/decision.md)."""
    return {"event": "decision", "decision": document}


def _one_or_none(document: Document | None) -> list[Document]:
    return [] if document is None else [document]


def _watch(service: Service) -> Iterator[Document]:
    count = 0
    for device in service.devices():
        yield device_event(device)
        count += 1
    yield {"event": "current", "devices": count}


_ANSWERS: Mapping[str, Callable[[Service, dict[str, Any], str], Iterable[Document]]] = {
    "status": lambda service, _, __: [service.status()],
    "devices": lambda service, _, __: service.devices(),
    "device": lambda service, said, _: _one_or_none(service.device(said["key"])),
    "watch": lambda service, _, __: _watch(service),
    "decisions": lambda service, said, _: service.decisions(over=bool(said.get("all"))),
    "explain": lambda service, said, _: _one_or_none(service.explain(said["key"])),
    "isolate": lambda service, said, actor: service.isolate(**said, actor=actor),
    "release": lambda service, said, actor: service.release(**said, actor=actor),
    "answer": lambda service, said, actor: service.answer(**said, actor=actor),
    "extend": lambda service, said, actor: service.extend(**said, actor=actor),
    "thaw": lambda service, said, actor: service.thaw(**said, actor=actor),
}
