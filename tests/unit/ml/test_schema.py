from __future__ import annotations

from plugin.core import BACKSTEP_SECONDS, DEFAULT_TIMEOUTS
from plugin.ml.schema import SCHEMAS, SESSION_RULE


def test_widths_and_units() -> None:
    shapes = {name: (schema.n_columns, schema.unit) for name, schema in SCHEMAS.items()}
    assert shapes["networkml-4104"] == (4104, "session")
    assert shapes["networkml-4104-window"] == (4104, "device")
    assert shapes["service-ports"][1] == "device"
    assert 280 <= shapes["service-ports"][0] <= 340


def test_names_are_unique_and_ordered() -> None:
    for name, schema in SCHEMAS.items():
        assert len(set(schema.names)) == schema.n_columns, name
    names = SCHEMAS["networkml-4104"].names
    assert names[0] == "sent_source_port_1"
    assert names[1023] == "sent_source_port_1024"
    assert names[1024] == "sent_destination_port_1"
    assert names[2048] == "received_source_port_1"
    assert names[4096:] == tuple(
        f"{way}_{what}"
        for way in ("sent", "received")
        for what in ("external", "tcp", "udp", "icmp")
    )
    assert SCHEMAS["networkml-4104-window"].names[0] == "initiated_source_port_0"


def test_the_hash_covers_all_that_gives_columns_a_meaning() -> None:
    schema = SCHEMAS["service-ports"]
    changed = [
        schema._replace(name="other"),
        schema._replace(version=2),
        schema._replace(unit="session"),
        schema._replace(names=schema.names[::-1]),
        schema._replace(parameters={}),
    ]
    hashes = {schema.hash, *(one.hash for one in changed)}
    assert len(hashes) == 1 + len(changed)


def test_hashes_are_those_of_shipped_models() -> None:
    # A change here makes every trained model unusable: raise the schema's version with it.
    assert {name: schema.hash[:16] for name, schema in SCHEMAS.items()} == {
        "networkml-4104": "6d9696ef04aebe3e",
        "networkml-4104-window": "faefb3218f3caba2",
        "service-ports": "35eb1d59c7011115",
        "halia-host": "4bbecf72bd1d9228",
        "halia-host-sent": "79cd20aa9f6febe3",
    }


def test_session_rule_is_the_cores() -> None:
    assert {**DEFAULT_TIMEOUTS._asdict(), "backstep": BACKSTEP_SECONDS} == SESSION_RULE
