"""Which sessions only look like misdeeds."""

from __future__ import annotations

import numpy as np
import pytest

from plugin.addresses import address_bytes
from plugin.core.layout import SESSION
from plugin.ml.everyday import at_ports, ftp_data, to_every_host

CLIENT, SERVER, OTHER = (address_bytes(f"192.0.2.{k}") for k in (1, 2, 3))


def test_all_ports_of_a_traceroute_are_one() -> None:
    port = np.array([33_433, 33_434, 33_500, 33_523, 33_524, 44_444, 44_507, 44_508, 33_500])
    proto = np.array([17] * 8 + [6])
    found = [33_433, *[33_434] * 3, 33_524, 44_444, 44_444, 44_508, 33_500]
    assert at_ports(proto, port).tolist() == found


def sessions(
    *rows: tuple[bytes, int, bytes, int], control: int = 10, proto: int = 6
) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    made = np.zeros(len(rows), SESSION.dtype())
    made["proto"] = proto
    for name, column in zip(("orig_port", "resp_port"), (1, 3), strict=True):
        made[name] = [row[column] for row in rows]
    for name, ips in (
        ("orig_ip", [row[0] for row in rows]),
        ("resp_ip", [row[2] for row in rows]),
    ):
        made[name] = np.frombuffer(b"".join(ips), np.uint8).reshape(-1, 16)
    made["orig_payload_bytes"] = made["resp_payload_bytes"] = control
    return made


ROWS = (
    (CLIENT, 5000, SERVER, 21),
    (CLIENT, 5001, SERVER, 40_000),
    (SERVER, 20, CLIENT, 50_000),
    (SERVER, 99, CLIENT, 50_000),
    (CLIENT, 5002, OTHER, 40_000),
    (CLIENT, 5003, SERVER, 445),
)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (sessions(*ROWS), [1, 2]),
        (sessions(*ROWS, control=0), []),
        (sessions(*ROWS, proto=17), []),
        (sessions(*ROWS[1:]), []),
        (sessions(), []),
    ],
)
def test_data_of_ftp_goes_with_a_control_session(
    rows: np.ndarray[tuple[int], np.dtype[np.void]], found: list[int]
) -> None:
    assert np.flatnonzero(ftp_data(rows)).tolist() == found


@pytest.mark.parametrize(
    ("address", "every"),
    [
        ("255.255.255.255", True),
        ("224.0.0.251", True),
        ("224.0.1.129", False),
        ("239.1.2.3", False),
        ("ff02::fb", True),
        ("ff05::2", False),
    ],
)
def test_some_groups_everybody_gets(address: str, every: bool) -> None:
    one = np.frombuffer(address_bytes(address), np.uint8).reshape(1, 16)
    assert to_every_host(one).tolist() == [every]
