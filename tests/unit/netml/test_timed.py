from __future__ import annotations

import pytest

from plugin.netml import timed


def test_it_passes_on_and_looks_at_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([10.0, 40.0, 50.0, 56.0])
    monkeypatch.setattr("plugin.netml.timed.time.perf_counter", lambda: next(moments))

    def add(a: int, *, b: int) -> int:
        """Add."""
        return a + b

    call = timed.Timed(add)
    assert call.tot_time == 0.0
    assert call(1, b=2) == 3
    assert call.tot_time == pytest.approx(0.5)
    assert call.__doc__ == "Add."
    with pytest.raises(TypeError):
        call("1", b=2)  # type: ignore[arg-type]  # on purpose
    assert call.tot_time == pytest.approx(0.1)  # what fails took its time too
