"""How each part of a run is, for ``halia status`` and the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from plugin.app.capturing import Capturing
    from plugin.app.hooking import Hooking
    from plugin.app.judging import Judging
    from plugin.app.keeping import Keeper
    from plugin.app.projecting import Projecting
    from plugin.app.watching import Watching
    from plugin.audit.journal import Journal
    from plugin.broker.rabbitmq import Publisher
    from plugin.broker.spool import Spool
    from plugin.metrics import Metrics
    from plugin.notices.notices import Notices


class Sending(NamedTuple):
    """The way to the broker."""

    address: str
    publisher: Publisher
    spool: Spool


class Health(NamedTuple):
    """The parts. Main thread only."""

    capturing: Capturing
    watching: Watching
    judging: Judging
    projecting: Projecting
    keeper: Keeper
    journal: Journal
    sending: Sending | None
    hooking: Hooking
    notices: Notices

    def parts(self) -> dict[str, Any]:
        """What each part says of itself; None of one that is not in use."""
        return {
            "capture": self._capture(),
            "judge": {"waiting": len(self.judging), "problem": None},
            "journal": {
                "entries": self.journal.last.number if self.journal.last is not None else 0,
                "waiting": len(self.keeper),
                "left_out": self.keeper.left_out,
                "problem": self.keeper.problem,
            },
            "broker": self._broker(),
            "notices": self.notices.status(),
            "probe": self._probe(),
            "mirror": self._mirror(),
            "isolation": None if self.hooking.shown is None else self.hooking.shown._asdict(),
            "store": {
                "connected": self.projecting.problem is None,
                "problem": self.projecting.problem,
            },
        }

    def measure(self, metrics: Metrics) -> None:
        """Bring the figures of all parts up to date."""
        if self.capturing.counters is not None:
            metrics.capture(self.capturing.counters)
        metrics.judge_queue(len(self.judging))
        for post in self.notices.posts:
            metrics.notices(post.name, **post.count()._asdict())
        metrics.journal(self.journal.last.number if self.journal.last is not None else 0)
        if self.sending is not None:
            publisher = self.sending.publisher
            metrics.broker(
                waiting=publisher.waiting(),
                confirmed=publisher.confirmed,
                reconnects=publisher.reconnects,
                spool_bytes=self.sending.spool.bytes,
            )

    def _capture(self) -> dict[str, Any]:
        one = self.capturing
        n_open, n_kept, size = one.sizes
        return {
            "iface": one.iface,
            "reader": one.reader,
            "connected": one.reader is not None,
            "problem": one.problem,
            "open_files": n_open,
            "kept_files": n_kept,
            "bytes_on_disk": size,
            "behaviours_left_out_bytes": self.watching.left_out,
            **({} if one.counters is None else one.counters._asdict()),
        }

    def _probe(self) -> dict[str, Any] | None:
        probed = self.hooking.probed
        if probed.address is None and probed.problem is None:
            return None
        return {"connected": probed.problem is None, **probed._asdict()}

    def _mirror(self) -> dict[str, Any] | None:
        plan = self.hooking.plan
        if plan is None:
            return None
        return {
            "mirrored": len(plan.mirrored),
            "waiting": len(plan.waiting),
            "uncovered": len(plan.uncovered),
            "ignored": len(plan.ignored),
            "load": plan.load,
            "problem": None,
        }

    def _broker(self) -> dict[str, Any] | None:
        if self.sending is None:
            return None
        publisher = self.sending.publisher
        return {
            "address": self.sending.address,
            "connected": publisher.connected.is_set(),
            "waiting": publisher.waiting(),
            "problem": "the spool is full" if publisher.full() else None,
        }
