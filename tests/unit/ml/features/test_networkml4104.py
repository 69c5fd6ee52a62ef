from __future__ import annotations

import numpy as np
import pytest

from plugin.ml.features import networkml4104
from plugin.ml.schema import SCHEMAS
from tests.build import session, sessions

NAMES = SCHEMAS["networkml-4104"].names


def named(row: np.ndarray) -> dict[str, float]:
    return {NAMES[k]: float(row[k]) for k in np.flatnonzero(row)}


def one(device_is_orig: bool, orig: str, resp: str, **fields: object) -> dict[str, float]:
    found = networkml4104.rows(sessions(session(orig, resp, **fields)), np.array([device_is_orig]))
    assert found.n_columns == 4104
    return named(found.to_dense()[0])


def test_a_client_asking_outside() -> None:
    assert one(True, "192.168.1.2:50000", "93.184.216.34:443") == {
        "sent_destination_port_443": 1,
        "received_source_port_443": 1,
        "sent_external": 1,
        "sent_tcp": 1,
        "received_external": 1,
        "received_tcp": 1,
    }


def test_the_same_session_seen_from_the_server() -> None:
    assert one(False, "192.168.1.2:50000", "192.168.1.1:443") == {
        "sent_source_port_443": 1,
        "received_destination_port_443": 1,
        "sent_tcp": 1,
        "received_tcp": 1,
    }


def test_unanswered_has_nothing_received() -> None:
    assert one(True, "192.168.1.2:137", "192.168.1.255:137", proto=17, resp_packets=0) == {
        "sent_source_port_137": 1,
        "sent_destination_port_137": 1,
        "sent_udp": 1,
    }


def test_all_eight_values() -> None:
    found = one(False, "8.8.8.8:1", "10.0.0.1:1024", proto=17)
    assert found == {
        "sent_source_port_1024": 1,
        "sent_destination_port_1": 1,
        "received_source_port_1": 1,
        "received_destination_port_1024": 1,
        "sent_external": 1,
        "sent_udp": 1,
        "received_external": 1,
        "received_udp": 1,
    }


@pytest.mark.parametrize("proto", [1, 58])
def test_icmp_of_both_versions_has_no_port(proto: int) -> None:
    found = one(True, "10.0.0.1:0", "10.0.0.2:0", proto=proto)
    assert found == {"sent_icmp": 1, "received_icmp": 1}


def test_other_protocols_have_ports_but_no_share() -> None:
    found = one(True, "10.0.0.1:2000", "10.0.0.2:80", proto=132)
    assert found == {"sent_destination_port_80": 1, "received_source_port_80": 1}


@pytest.mark.parametrize("port", [0, 1025, 65535])
def test_ports_outside_the_bins_have_no_column(port: int) -> None:
    assert one(True, f"10.0.0.1:{port}", f"10.0.0.2:{port}") == {"sent_tcp": 1, "received_tcp": 1}


def test_multicast_is_not_external() -> None:
    found = one(True, "192.168.1.2:5353", "224.0.0.251:5353", proto=17, resp_packets=0)
    assert found == {"sent_udp": 1}


def test_many_rows_are_each_its_own() -> None:
    records = [
        session("10.0.0.1:50000", f"10.0.0.2:{port}", resp_packets=port % 3)
        for port in range(1, 400)
    ]
    sides = np.arange(399) % 2 == 0
    whole = networkml4104.rows(sessions(*records), sides)
    for k in (0, 1, 2, 57, 398):
        alone = networkml4104.rows(records[k], sides[k : k + 1])
        assert np.array_equal(whole.rows(np.array([k])).to_dense(), alone.to_dense())
    # Columns ascend within each row, as CSR promises.
    steps = np.diff(whole.indices)[np.diff(whole.row_numbers()) == 0]
    assert (steps > 0).all()


def test_no_sessions_give_no_rows() -> None:
    assert networkml4104.rows(sessions(), np.zeros(0, np.bool_)).n_rows == 0
