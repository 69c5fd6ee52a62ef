"""Figures for Prometheus: typed calls that set them, and the page that shows them.

Nothing is kept in the library's globals. A device's series go when the device goes, and no more
devices than a bound have any: who makes up addresses fills no memory, here or in Prometheus.
"""

from __future__ import annotations

import ipaddress
import logging
import platform
import re
import threading
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple, Self

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

import plugin
from plugin.errors import OutputError, SettingsError
from plugin.events import FeedGap, Garbage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.metrics_core import Metric

    from plugin.capture.live import Counters
    from plugin.events import FeedItem
    from plugin.policy.cases import Case

LOOPBACK = "127.0.0.1"
_PORT_MAX = 65_535
_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds that judging a capture takes, or bringing an isolation to the switches."""
_LOG = logging.getLogger("halia.metrics")


class Family(NamedTuple):
    """Series of one name."""

    name: str
    """Without ``halia_``; what only grows ends in ``_total``."""
    text: str
    labels: tuple[str, ...] = ()


FAMILIES = (
    Family("build_info", "1; what runs", ("version", "python", "core")),
    Family("feed_items_total", "what came from Faucet", ("kind",)),
    Family("feed_gaps_total", "times that events were missing"),
    Family("feed_missed_total", "events that were missing"),
    Family("feed_garbage_total", "lines from Faucet that are no event"),
    Family("devices", "devices known", ("state",)),
    Family("devices_without_series", "devices beyond devices.most, which have no series"),
    Family("device_verdicts_total", "captures of the device that were judged", ("mac",)),
    Family("device_findings_total", "behaviours found of the device", ("mac",)),
    Family("device_last_seen_seconds", "when it was last heard of, since 1970 UTC", ("mac",)),
    Family("device_role_confidence", "confidence of its likeliest role, 0 to 1", ("mac",)),
    Family("verdicts_total", "captures that were judged"),
    Family("findings_total", "behaviours found"),
    Family("capture_frames_total", "frames that were taken from the interface"),
    Family("capture_bytes_total", "their bytes on the wire"),
    Family("capture_kernel_drops_total", "frames that the kernel dropped: no room in the ring"),
    Family("capture_ring_freezes_total", "times that the ring was full"),
    Family("capture_lost_packets_total", "records that the disk had no room for"),
    Family("capture_refused_records_total", "records that no file got: too many devices"),
    Family("capture_truncated_frames_total", "frames whose headers go on beyond what was kept"),
    Family("capture_files_finished_total", "capture files that were finished"),
    Family("capture_files_removed_total", "capture files that were removed to make room"),
    Family("judge_queue", "finished captures that wait to be judged"),
    Family("broker_waiting", "messages that wait to be sent or confirmed"),
    Family("broker_confirmed_total", "messages that the broker confirmed"),
    Family("broker_reconnects_total", "connections to the broker after the first"),
    Family("spool_bytes", "what waits for the broker, on the disk"),
    Family("journal_entries_total", "entries of the journal, since its beginning"),
    Family("decisions_total", "steps of cases, by the state that they led to", ("state",)),
    Family("isolated_devices", "devices that are isolated, or being so"),
    Family("caps_frozen", "1: the caps were breached, nothing new is isolated; else 0"),
    Family("notices_sent_total", "notices that were delivered", ("channel",)),
    Family("notices_waiting", "notices that wait for delivery", ("channel",)),
    Family(
        "notices_lost_total", "notices that were not delivered, and never will be", ("channel",)
    ),
)
"""What the page shows, but for the histograms ``judge_seconds`` and ``isolating_seconds``."""
_OF_DEVICES = tuple(family.name for family in FAMILIES if family.labels == ("mac",))


class _Spread:
    """How long something took, each time."""

    def __init__(self) -> None:
        self._counts = [0] * (len(_BUCKETS) + 1)
        self._seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self._counts[bisect_left(_BUCKETS, seconds)] += 1
        self._seconds += seconds

    def metric(self, name: str, text: str) -> HistogramMetricFamily:
        """The series, as they are now."""
        buckets, total = [], 0
        for limit, count in zip((*map(str, _BUCKETS), "+Inf"), self._counts, strict=True):
            total += count
            buckets.append((limit, total))
        metric = HistogramMetricFamily(f"halia_{name}", text)
        metric.add_metric([], buckets=buckets, sum_value=self._seconds)
        return metric


class Metrics(Collector):
    """The figures. Any thread may call; the page is read meanwhile."""

    def __init__(self, *, core: str, most: int = 20_000) -> None:
        """Start at nothing.

        Args:
            core: Which core runs: "c" or "reference".
            most: So many devices have series of their own.
        """
        self._most = most
        self._lock = threading.Lock()
        self._values: dict[str, dict[tuple[str, ...], float]] = {f.name: {} for f in FAMILIES}
        self._macs: set[str] = set()
        self._refused: set[str] = set()
        self._judged, self._proven = _Spread(), _Spread()
        self._isolating: dict[int, float] = {}
        """Since when each case is on its way to the switches."""
        build = (plugin.__version__, platform.python_version(), core)
        self._values["build_info"][build] = 1.0
        for name in ("feed_gaps_total", "feed_missed_total", "feed_garbage_total"):
            self._values[name][()] = 0.0  # what has not happened yet is 0, and not unknown
        for name in ("verdicts_total", "findings_total", "devices_without_series"):
            self._values[name][()] = 0.0
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def feed(self, item: FeedItem) -> None:
        """Count what came from Faucet."""
        kind = re.sub(r"(?<!^)(?=[A-Z])", "_", type(item).__name__).lower()
        with self._lock:
            self._add("feed_items_total", 1, kind)
            if isinstance(item, FeedGap):
                self._add("feed_gaps_total", 1)
                self._add("feed_missed_total", item.missed)
            elif isinstance(item, Garbage):
                self._add("feed_garbage_total", 1)

    def devices(self, by_state: Mapping[str, int]) -> None:
        """Set how many devices there are in each state."""
        with self._lock:
            self._values["devices"] = {(state,): count for state, count in by_state.items()}

    def verdict(self, mac: str, confidence: float | None) -> None:
        """Count a judged capture; note the confidence of the likeliest role, if there is one."""
        with self._lock:
            self._add("verdicts_total", 1)
            if self._known(mac):
                self._add("device_verdicts_total", 1, mac)
                if confidence is None:
                    self._values["device_role_confidence"].pop((mac,), None)
                else:
                    self._values["device_role_confidence"][mac,] = confidence

    def finding(self, mac: str) -> None:
        """Count a behaviour."""
        with self._lock:
            self._add("findings_total", 1)
            if self._known(mac):
                self._add("device_findings_total", 1, mac)

    def seen(self, mac: str, time: float) -> None:
        """Note when a device was last heard of, in seconds since 1970."""
        with self._lock:
            if self._known(mac):
                self._values["device_last_seen_seconds"][mac,] = time

    def forget(self, mac: str) -> None:
        """Let a device's series go, for it has gone."""
        with self._lock:
            self._macs.discard(mac)
            self._refused.discard(mac)
            self._values["devices_without_series"][()] = len(self._refused)
            for name in _OF_DEVICES:
                self._values[name].pop((mac,), None)

    def capture(self, counters: Counters) -> None:
        """Set the figures of the capture."""
        self._set(
            capture_frames_total=counters.frames,
            capture_bytes_total=counters.wire_bytes,
            capture_kernel_drops_total=counters.kernel_drops,
            capture_ring_freezes_total=counters.kernel_freezes,
            capture_lost_packets_total=counters.lost_packets,
            capture_refused_records_total=counters.refused,
            capture_truncated_frames_total=counters.cut,
            capture_files_finished_total=counters.finished_files,
            capture_files_removed_total=counters.removed_files,
        )

    def judge_queue(self, captures: int) -> None:
        """Set how many captures wait to be judged."""
        self._set(judge_queue=captures)

    def judged(self, seconds: float) -> None:
        """Count a capture that was judged in so many seconds."""
        with self._lock:
            self._judged.add(seconds)

    def broker(self, *, waiting: int, confirmed: int, reconnects: int, spool_bytes: int) -> None:
        """Set the figures of publishing."""
        self._set(
            broker_waiting=waiting,
            broker_confirmed_total=confirmed,
            broker_reconnects_total=reconnects,
            spool_bytes=spool_bytes,
        )

    def journal(self, entries: int) -> None:
        """Set the number of the journal's last entry."""
        self._set(journal_entries_total=entries)

    def decided(self, case: Case, before: str | None) -> None:
        """Count a step of a case; what stays in its state is none.

        Args:
            case: as it is now.
            before: the state before; None: it is new.
        """
        if case.state == before:
            return
        with self._lock:
            self._add("decisions_total", 1, case.state)
            begun = self._isolating.pop(case.number, None)
            if case.state == "isolating":
                self._isolating[case.number] = case.changed
            elif case.state == "isolated" and begun is not None:
                self._proven.add(max(0.0, case.changed - begun))

    def isolated(self, devices: int) -> None:
        """Set how many devices are isolated, or being so."""
        self._set(isolated_devices=devices)

    def frozen(self, frozen: bool) -> None:
        """Set whether new isolations are stopped by the caps."""
        self._set(caps_frozen=float(frozen))

    def notices(self, channel: str, *, sent: int, waiting: int, lost: int) -> None:
        """Set what became of a channel's notices."""
        with self._lock:
            self._values["notices_sent_total"][channel,] = sent
            self._values["notices_waiting"][channel,] = waiting
            self._values["notices_lost_total"][channel,] = lost

    def collect(self) -> Iterator[Metric]:
        """Give all series, for the library's page."""
        with self._lock:
            values = {name: list(series.items()) for name, series in self._values.items()}
            judged = self._judged.metric("judge_seconds", "time to judge a capture")
            proven = self._proven.metric(
                "isolating_seconds", "time from an isolation's beginning until it was proven"
            )
        for family in FAMILIES:
            kind = CounterMetricFamily if family.name.endswith("_total") else GaugeMetricFamily
            metric = kind(f"halia_{family.name}", family.text, labels=family.labels)
            for labels, value in values[family.name]:
                metric.add_metric(labels, value)
            if metric.samples:
                yield metric
        yield judged
        yield proven

    def _known(self, mac: str) -> bool:
        """Whether a device has series; the first that come have."""
        if mac in self._macs:
            return True
        if len(self._macs) < self._most:
            self._macs.add(mac)
            self._refused.discard(mac)
        elif len(self._refused) < self._most:
            self._refused.add(mac)
        self._values["devices_without_series"][()] = len(self._refused)
        return mac in self._macs

    def _add(self, name: str, value: float, *labels: str) -> None:
        series = self._values[name]
        series[labels] = series.get(labels, 0.0) + value

    def _set(self, **values: float) -> None:
        with self._lock:
            for name, value in values.items():
                self._values[name][()] = value


class Server:
    """The page over HTTP, from when it is made until it is closed."""

    def __init__(self, metrics: Metrics, listen: str) -> None:
        """Serve the page at ``http://LISTEN/metrics``.

        Args:
            metrics: What is shown.
            listen: ``HOST:PORT``, or a port alone, which is served on this machine only.

        Raises:
            SettingsError: it is neither.
            OutputError: nothing can listen there.
        """
        host, port = listen_address(listen)
        try:
            self._http, self._thread = start_http_server(port, host, metrics.registry)
        except OSError as error:
            raise OutputError(
                f"nothing can listen there: {error.strerror or error}",
                where=f"metrics.listen {listen}",
                advice="give another HOST:PORT, or null for no page",
            ) from error
        self.port: int = self._http.server_port
        """Where it listens: if 0 was asked for, any free one."""
        if not _is_loopback(host):
            _LOG.warning(
                "metrics are served on %s: whoever reaches it sees all devices' addresses", listen
            )

    def close(self) -> None:
        """Serve no more; the port is free when this returns."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def listen_address(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT``, ``[IPV6]:PORT`` or ``PORT``, which stands for this machine only.

    Raises:
        SettingsError: it is none of them.
    """
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:  # an IPv6 address without its brackets
        port = ""
    if not (port.isascii() and port.isdigit() and int(port) <= _PORT_MAX) or (colon and not host):
        raise SettingsError(f"metrics.listen: {text!r} is no HOST:PORT, [IPV6]:PORT or PORT")
    return host or LOOPBACK, int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
