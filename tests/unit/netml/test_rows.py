from __future__ import annotations

from multiprocessing.reduction import ForkingPickler

import numpy as np

from plugin.flows.spec import Spec
from plugin.netml.rows import Features, Whose, features, fitting, spec_of
from plugin.offline.flow_files import ROW

SPEC = Spec(feature="SIZE", fft=False, header=False, packets=3, interval=1.0, sampling=None)


def rows() -> Features:
    return features(np.arange(12.0).reshape(4, 3), SPEC)


def test_parts_remember_how_rows_were_made() -> None:
    part = rows()[np.array([2, 0])]
    assert isinstance(part, Features)
    assert spec_of(part) == SPEC
    assert spec_of(rows()[1:]) == SPEC
    assert spec_of(rows().take([0, 1], axis=0)) == SPEC


def test_what_is_computed_is_a_plain_array() -> None:
    assert type(rows() * 2) is np.ndarray
    assert spec_of(rows() * 2) is None
    assert isinstance(rows().sum(), float)
    assert type(np.asarray(rows())) is np.ndarray


def test_a_part_is_not_taken_for_the_whole() -> None:
    """Flows belong to all rows: a part would be given too many rows."""
    whole = rows()
    whole.flows = object()  # type: ignore[assignment]  # anything: it must not be handed on
    part = whole[:2]
    assert isinstance(part, Features)
    assert part.flows is None
    assert part.whose is None


def test_rows_that_fit_or_know_nothing_are_left_alone() -> None:
    assert (fitting(rows(), SPEC) == rows()).all()
    assert fitting([[1, 2]], SPEC) == [[1, 2]]
    assert (fitting(rows(), None) == rows()).all()


def test_rows_in_another_process_still_know() -> None:
    given = rows()
    given.whose = Whose(np.zeros(4, ROW), ("a.pcap",))
    found = ForkingPickler.loads(ForkingPickler.dumps(given))
    assert (found == given).all()
    assert spec_of(found) == SPEC
    assert found.whose.captures == ("a.pcap",)
    assert found.flows is None
