"""Flows as the probe hands them on."""

from __future__ import annotations

import pytest

from plugin.faucet.flows import Flow, counters_of, flow_of

DOCUMENT = {
    "table": 0, "priority": 9, "cookie": 7, "match": {"in_port": 2, "eth_src": "02:00:00:00:00:01"},
    "packets": 3, "bytes": 180, "goto": None, "outputs": [7], "meter": None,
}  # fmt: skip
COUNTERS = {
    "port": 1, "rx_packets": 2, "tx_packets": 3, "rx_bytes": 4, "tx_bytes": 5, "rx_dropped": 6,
    "tx_dropped": 7,
}  # fmt: skip


def test_a_flow() -> None:
    flow = flow_of(DOCUMENT)
    assert flow == Flow(
        table=0,
        priority=9,
        cookie=7,
        match={"in_port": 2, "eth_src": "02:00:00:00:00:01"},
        packets=3,
        bytes=180,
        goto=None,
        outputs=(7,),
        meter=None,
    )
    assert flow.in_port == 2
    assert flow_of({**DOCUMENT, "match": {"eth_src": "x"}}).in_port is None
    assert flow_of({**DOCUMENT, "goto": 3, "meter": 5})[6:] == (3, (7,), 5, None)
    assert flow_of({**DOCUMENT, "vid": 100}).vid == 100


def test_counters() -> None:
    assert counters_of({**COUNTERS, "more": 1}) == (1, 2, 3, 4, 5, 6, 7)


@pytest.mark.parametrize("missing", ["table", "match", "goto"])
def test_what_is_no_flow_is_refused(missing: str) -> None:
    with pytest.raises(ValueError, match="no flow"):
        flow_of({k: v for k, v in DOCUMENT.items() if k != missing})
    with pytest.raises(ValueError, match="no counters"):
        counters_of({})
