from __future__ import annotations

import pytest

from plugin.capture.plain import read_messages

AUXDATA = bytes.fromhex("510000002a0000002a00000000000e0064000081")
"""As Linux 6 gave it for an ARP frame of VLAN 100."""
STAMP = (7).to_bytes(8, "little") + (9).to_bytes(8, "little")


def test_what_the_kernel_says_beside_a_frame() -> None:
    messages = [(263, 8, AUXDATA), (1, 35, STAMP)]
    assert read_messages(messages) == (7_000_000_009, 42, 100, 0x8100)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(0x01, (-1, 0x8100)), (0x11, (100, 0x8100)), (0x51, (100, 0x88A8)), (0x41, (-1, 0x8100))],
)
def test_a_tag_is_there_only_if_it_is_marked(status: int, expected: tuple[int, int]) -> None:
    body = status.to_bytes(4, "little") + AUXDATA[4:18] + b"\xa8\x88"
    assert read_messages([(263, 8, body)])[2:] == expected


def test_what_is_cut_or_foreign_says_nothing() -> None:
    assert read_messages([(263, 8, AUXDATA[:-1]), (1, 35, b""), (9, 9, STAMP)]) == (
        -1, -1, -1, 0x8100,
    )  # fmt: skip
