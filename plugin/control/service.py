"""What the daemon can be asked, as functions: the same for the control socket and what comes. Pure.

All of it may be called from several threads at once, must answer at once, and hands out documents
that nobody changes any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from plugin.control.protocol import Request

Document = dict[str, Any]


class Service(Protocol):
    """What whoever serves it brings: the app."""

    def status(self) -> Document:
        """How each part is; docs/control.md names the fields."""

    def devices(self) -> Iterable[Document]:
        """The document of each device."""

    def device(self, key: str) -> Document | None:
        """The document of one, with ``history``: what was found, the last first.

        Args:
            key: a MAC address, lower case with colons, or an IP address in its canonical spelling.

        Returns:
            None: there is no such device.
        """


def answers(service: Service) -> Callable[[Request, object], Iterator[Mapping[str, Any]]]:
    """Give what answers requests: a function of the request and who asks."""

    def answer(request: Request, _peer: object) -> Iterator[Mapping[str, Any]]:
        if request.ask == "status":
            yield service.status()
        elif request.ask == "devices":
            yield from service.devices()
        elif request.ask == "device":
            document = service.device(request.arguments["key"])
            if document is not None:
                yield document
        elif request.ask == "watch":
            count = 0
            for device in service.devices():
                yield device_event(device)
                count += 1
            yield {"event": "current", "devices": count}

    return answer


def device_event(document: Mapping[str, Any]) -> Document:
    """What watchers get when a device is new or has changed."""
    return {"event": "device", "device": document}


def alarm_event(time: float, kind: str, mac: str | None, text: str) -> Document:
    """What watchers get when there is an alarm."""
    return {"event": "alarm", "time": time, "alarm": kind, "mac": mac, "text": text}
