from __future__ import annotations

import numpy as np

from plugin.ml import services


def test_port_lists_ascend_without_repeats() -> None:
    for ports in (services.TCP_SERVICES, services.UDP_SERVICES):
        assert list(ports) == sorted(set(ports))


def test_every_port_has_one_token() -> None:
    tables = services.port_tables()
    for prefix, table, ports in (
        ("tcp", tables.tcp, services.TCP_SERVICES),
        ("udp", tables.udp, services.UDP_SERVICES),
    ):
        for port in ports:
            assert services.TOKENS[table[port]] == f"{prefix}_{port}"
        for port, name in ((0, "none"), (2, "system"), (1025, "registered"), (65_535, "dynamic")):
            assert services.TOKENS[table[port]] == f"{prefix}_{name}"
        assert {services.TOKENS[k].partition("_")[0] for k in np.unique(table)} == {prefix}


def test_ranks_put_known_ports_first() -> None:
    tcp, udp = services.port_tables().rank
    assert [tcp[port] for port in (443, 9100, 2, 1025, 65_535, 0)] == [0, 0, 1, 2, 3, 4]
    assert [udp[port] for port in (53, 9100, 80)] == [0, 2, 1]


def test_column_names_are_the_tokens_twice_and_the_shares() -> None:
    names = services.column_names()
    assert len(names) == 2 * len(services.TOKENS) + len(services.SHARES)
    assert names[0] == "serves_tcp_20"
    assert names[len(services.TOKENS)] == "uses_tcp_20"
    assert names[-1] == "share_called_silent"
