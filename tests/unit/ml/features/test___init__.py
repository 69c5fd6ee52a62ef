from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plugin.ml.features import NEEDS_PACKETS, device_rows, device_view, extract, first_sessions
from plugin.ml.schema import SCHEMAS
from tests.build import capture_of, packet, session, sessions


def capture(**fields: Any) -> Any:
    records = sessions(
        session(orig_mac=0, resp_mac=1),
        session(orig_mac=2, resp_mac=0),
        session(orig_mac=2, resp_mac=1),
        session(orig_mac=0, resp_mac=0),
    )
    return SimpleNamespace(**({"sessions": records, "packets": None} | fields))


def test_a_view_has_the_devices_sessions_and_sides() -> None:
    found, sides = device_view(capture(), 0)
    assert found["id"].tolist() == [0, 1, 3]
    assert sides.tolist() == [True, False, True]
    assert len(device_view(capture(), 9)[0]) == 0


@pytest.mark.parametrize("name", sorted(set(SCHEMAS) - NEEDS_PACKETS))
def test_rows_fit_the_schema(name: str) -> None:
    found = extract(name, *device_view(capture(), 0))
    schema = SCHEMAS[name]
    assert found.n_columns == schema.n_columns
    assert found.n_rows == (3 if schema.unit == "session" else 1)
    again = device_rows(name, capture(), 0)
    assert np.array_equal(found.to_dense(), again.to_dense())


def test_the_window_set_needs_packets() -> None:
    with pytest.raises(ValueError, match="packets=True"):
        device_rows("networkml-4104-window", capture(), 0)
    packets, records = capture_of(packet("10.0.0.1:1", "10.0.0.2:2", time=0))
    found = device_rows(
        "networkml-4104-window", SimpleNamespace(packets=packets, sessions=records), 0
    )
    assert (found.n_rows, found.n_columns) == (1, 4104)


def test_an_unknown_set_is_no_set() -> None:
    with pytest.raises(KeyError):
        extract("colours", *device_view(capture(), 0))


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_rows_of_first_sessions_are_of_sets_that_sum_a_device_up(name: str) -> None:
    packets, records = capture_of(*(packet("10.0.0.1:1", f"10.0.0.2:{k}") for k in (5, 80, 443)))
    there = SimpleNamespace(packets=packets, sessions=records)
    found = first_sessions(name, there, 0, (1, 3))
    if name.startswith("networkml"):
        assert found is None
    else:
        assert found is not None
        assert np.array_equal(found.to_dense()[1], device_rows(name, there, 0).to_dense()[0])
        assert not np.array_equal(found.to_dense()[0], found.to_dense()[1])
