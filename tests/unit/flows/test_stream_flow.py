from __future__ import annotations

import numpy as np

from plugin.flows.stream_flow import PACKED, OpenFlow


def flow(*times: int, limit: int = 10, idle: int = 100) -> OpenFlow:
    one = OpenFlow(b"", limit, idle)
    add(one, *times)
    return one


def add(one: OpenFlow, *times: int) -> None:
    rows = np.zeros(len(times), PACKED)
    rows["time"] = times
    one.waiting += rows.tobytes()


def parts(one: OpenFlow, horizon: int | None = None) -> list[list[int]]:
    """The parts that end by the horizon, then what goes on."""
    found = []
    for _ in one.commit(horizon):
        found.append(held(one))
        one.part.clear()
    return [*found, held(one)]


def held(one: OpenFlow) -> list[int]:
    return [int(t) for t in np.frombuffer(bytes(one.part), PACKED)["time"]]


def test_parts_end_at_pauses_and_count_from_the_grid() -> None:
    assert parts(flow(0, 10, 21, 22, 31)) == [[0, 10], [21, 22, 31]]
    # 29 counts from 20 on the grid: 31 is 11 after it.
    assert parts(flow(0, 1, 29, 31, 32)) == [[0, 1], [29], [31, 32]]
    assert parts(flow(0, 1, 129, 131)) == [[0, 1], [129, 131]]  # another flow, another grid


def test_few_packets_and_many_part_alike() -> None:
    times = [k * 3 + (k // 20) * 30 for k in range(200)]
    many = parts(flow(*times))
    one = flow()
    few: list[list[int]] = []
    for at in range(0, 200, 10):
        add(one, *times[at : at + 10])
        *done, _ = parts(one)
        few += done
    assert [*few, held(one)] == many
    assert len(many) == 10


def test_what_is_later_than_the_horizon_waits() -> None:
    one = flow(5, 3, 9)
    assert parts(one, 5) == [[3, 5]]
    assert one.size == 3
    add(one, 7)
    assert parts(one, 9) == [[3, 5, 7, 9]]


def test_when_to_look_again() -> None:
    one = flow(0, 4, idle=50)
    assert not one.over(1000)
    parts(one, 4)
    assert one.next_due() == 14
    assert (one.over(14), one.over(15)) == (False, True)
    one.part.clear()
    assert one.rests
    assert one.next_due() == 54
    assert (one.gone(54), one.gone(55)) == (False, True)
    add(one, 60)
    assert one.next_due() == 60
    assert not one.gone(1000)
