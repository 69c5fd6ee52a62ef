"""The page of metrics as Prometheus reads it, over HTTP."""

from __future__ import annotations

import http.client
import logging
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from plugin import events
from plugin.capture.live import Counters
from plugin.errors import OutputError, SettingsError
from plugin.metrics import FAMILIES, Metrics, Server, listen_address
from tests.cases import AT, case

ROOT = Path(__file__).resolve().parents[2]
MAC, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(core="c", most=2)


@pytest.fixture
def server(metrics: Metrics) -> Iterator[Server]:
    with Server(metrics, "0") as one:
        yield one


def page(server: Server, host: str = "127.0.0.1") -> str:
    link = http.client.HTTPConnection(host, server.port, timeout=10)
    link.request("GET", "/metrics")
    answer = link.getresponse()
    text = answer.read().decode()
    link.close()
    assert answer.status == 200
    return text


def series(text: str) -> dict[tuple[str, ...], float]:
    """Name and label values to value."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def fill(metrics: Metrics) -> None:
    metrics.feed(events.FeedGap(missed=3, before=9))
    metrics.feed(events.Garbage(reason="no JSON", sample="x"))
    metrics.devices({"ok": 3, "gone": 1})
    metrics.verdict(MAC, 0.75)
    metrics.finding(MAC)
    metrics.seen(MAC, 1_700_000_000.5)
    metrics.capture(Counters(*range(1, len(Counters._fields) + 1)))
    metrics.judge_queue(4)
    metrics.judged(0.3)
    metrics.broker(waiting=5, confirmed=6, reconnects=7, spool_bytes=8)
    metrics.journal(9)
    metrics.decided(case(state="isolating", changed=AT - 0.4), "pending")
    metrics.decided(case(), "isolating")
    metrics.isolated(2)
    metrics.frozen(True)
    metrics.notices("mail", sent=10, waiting=11, lost=12)


def test_what_was_told_is_shown(metrics: Metrics, server: Server) -> None:
    fill(metrics)
    found = series(page(server))
    c = Counters(*range(1, len(Counters._fields) + 1))
    expected = {
        ("halia_feed_items_total", "feed_gap"): 1,
        ("halia_feed_items_total", "garbage"): 1,
        ("halia_feed_gaps_total",): 1,
        ("halia_feed_missed_total",): 3,
        ("halia_feed_garbage_total",): 1,
        ("halia_devices", "ok"): 3,
        ("halia_devices", "gone"): 1,
        ("halia_verdicts_total",): 1,
        ("halia_findings_total",): 1,
        ("halia_device_verdicts_total", MAC): 1,
        ("halia_device_findings_total", MAC): 1,
        ("halia_device_last_seen_seconds", MAC): 1_700_000_000.5,
        ("halia_device_role_confidence", MAC): 0.75,
        ("halia_capture_frames_total",): c.frames,
        ("halia_capture_bytes_total",): c.wire_bytes,
        ("halia_capture_kernel_drops_total",): c.kernel_drops,
        ("halia_capture_ring_freezes_total",): c.kernel_freezes,
        ("halia_capture_lost_packets_total",): c.lost_packets,
        ("halia_capture_refused_records_total",): c.refused,
        ("halia_capture_truncated_frames_total",): c.cut,
        ("halia_capture_files_finished_total",): c.finished_files,
        ("halia_capture_files_removed_total",): c.removed_files,
        ("halia_judge_queue",): 4,
        ("halia_broker_waiting",): 5,
        ("halia_broker_confirmed_total",): 6,
        ("halia_broker_reconnects_total",): 7,
        ("halia_spool_bytes",): 8,
        ("halia_journal_entries_total",): 9,
        ("halia_decisions_total", "isolating"): 1,
        ("halia_decisions_total", "isolated"): 1,
        ("halia_isolated_devices",): 2,
        ("halia_caps_frozen",): 1,
        ("halia_notices_sent_total", "mail"): 10,
        ("halia_notices_waiting", "mail"): 11,
        ("halia_notices_lost_total", "mail"): 12,
        ("halia_isolating_seconds_bucket", "0.25"): 0,
        ("halia_isolating_seconds_bucket", "0.5"): 1,
        ("halia_isolating_seconds_count",): 1,
        ("halia_judge_seconds_bucket", "0.25"): 0,
        ("halia_judge_seconds_bucket", "0.5"): 1,
        ("halia_judge_seconds_bucket", "+Inf"): 1,
        ("halia_judge_seconds_count",): 1,
        ("halia_judge_seconds_sum",): 0.3,
    }
    assert expected.items() <= found.items()
    metrics.devices({"ok": 1})
    assert ("halia_devices", "gone") not in series(page(server))


def test_the_documented_series_are_those_of_the_page(metrics: Metrics, server: Server) -> None:
    fill(metrics)
    row = re.compile(r"^\| `(halia_\w+)` \| (.*?) \| (.*) \|$", re.MULTILINE)
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    documented = {
        name: (set(re.findall(r"`(\w+)`", labels)), what)
        for name, labels, what in row.findall(text)
    }
    shown = {}
    for family in text_string_to_metric_families(page(server)):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = set() if family.type == "histogram" else set(family.samples[0].labels)
        shown[name] = (labels, family.documentation)
    assert documented == shown
    assert len(shown) == len(FAMILIES) + 2


def test_a_device_that_goes_takes_its_series_along(metrics: Metrics, server: Server) -> None:
    fill(metrics)
    metrics.seen(OTHER, 1.0)
    assert page(server).count(MAC) == 4
    metrics.forget(MAC)
    text = page(server)
    assert MAC not in text
    assert OTHER in text
    assert series(text)["halia_verdicts_total",] == 1
    metrics.forget(MAC)
    metrics.verdict(MAC, None)
    assert series(page(server))["halia_device_verdicts_total", MAC] == 1
    assert ("halia_device_role_confidence", MAC) not in series(page(server))


def test_steps_within_a_state_are_not_counted(metrics: Metrics, server: Server) -> None:
    metrics.decided(case(), "isolated")
    assert ("halia_decisions_total", "isolated") not in series(page(server))
    metrics.decided(case(), None)
    metrics.decided(case(number=8), None)
    assert series(page(server))["halia_decisions_total", "isolated"] == 2
    metrics.frozen(True)
    metrics.frozen(False)
    assert series(page(server))["halia_caps_frozen",] == 0


def test_only_what_was_seen_to_begin_is_timed(metrics: Metrics, server: Server) -> None:
    metrics.decided(case(), "isolating")  # it began in an earlier run
    metrics.decided(case(number=8, state="isolating"), None)
    metrics.decided(case(number=8, state="over"), "isolating")
    metrics.decided(case(number=8), "isolating")
    assert series(page(server))["halia_isolating_seconds_count",] == 0
    metrics.decided(case(number=9, state="isolating", changed=AT), None)
    metrics.decided(case(number=9, changed=AT + 3), "isolating")
    found = series(page(server))
    assert found["halia_isolating_seconds_sum",] == 3
    assert not metrics._isolating


def test_no_more_devices_than_the_bound_have_series(metrics: Metrics, server: Server) -> None:
    for number in range(9):
        mac = f"02:00:00:00:01:{number:02x}"
        metrics.verdict(mac, 0.5)
        metrics.finding(mac)
        metrics.seen(mac, 1.0)
    found = series(page(server))
    assert {labels[0] for _, *labels in found if labels and labels[0][:2] == "02"} == {
        "02:00:00:00:01:00",
        "02:00:00:00:01:01",
    }
    assert found["halia_verdicts_total",] == 9
    assert found["halia_devices_without_series",] == 2  # they are counted up to the bound
    metrics.forget("02:00:00:00:01:00")
    metrics.seen("02:00:00:00:01:03", 1.0)
    text = page(server)
    assert "02:00:00:00:01:03" in text
    assert series(text)["halia_devices_without_series",] == 1  # it has some now
    metrics.forget("02:00:00:00:01:02")
    assert series(page(server))["halia_devices_without_series",] == 0  # it is gone


def test_two_do_not_share_anything(server: Server) -> None:
    other = Metrics(core="reference")
    other.journal(5)
    assert "journal" not in page(server)
    with Server(other, "0") as second:
        assert series(page(second))["halia_journal_entries_total",] == 5


def test_a_closed_server_gives_its_port_back(metrics: Metrics) -> None:
    with Server(metrics, "0") as one:
        port = one.port
        with pytest.raises(OutputError, match="nothing can listen there: Address already in use"):
            Server(metrics, f"127.0.0.1:{port}")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)
    Server(metrics, f"{port}").close()


def test_it_warns_when_others_can_reach_it(
    metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for listen in ("0", "127.0.0.2:0", "localhost:0"):
            Server(metrics, listen).close()
        assert not caplog.records
        Server(metrics, "0.0.0.0:0").close()
    assert "whoever reaches it" in caplog.text


def test_ipv6(metrics: Metrics) -> None:
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("the kernel has no IPv6")
    with Server(metrics, "[::1]:0") as one:
        assert "halia_build_info" in page(one, "::1")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9303", ("127.0.0.1", 9303)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),  # noqa: S104 - only read, not listened on
        ("[::]:65535", ("::", 65535)),
        ("host.example:80", ("host.example", 80)),
    ],
)
def test_where_to_listen(text: str, address: tuple[str, int]) -> None:
    assert listen_address(text) == address


@pytest.mark.parametrize("text", ["", ":80", "host", "host:", "host:x", "::1:80", "h:65536", "1²"])
def test_nowhere_to_listen(text: str) -> None:
    with pytest.raises(SettingsError, match=r"metrics\.listen"):
        listen_address(text)
