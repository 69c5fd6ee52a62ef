"""Messages as protobuf has them: bytes that its own runtime made, and bytes of nobody."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.faucet.wire import WireError, get_reply, get_request, set_request

LONG = "é" * 100


def test_requests_are_what_protobufs_runtime_writes() -> None:
    # SerializeToString() of faucetconfrpc 0.55.79's messages, protobuf 6.33.5
    assert get_request("a.yaml").hex() == "0a06612e79616d6c"
    assert get_request("").hex() == ""
    assert set_request("a.yaml", "x: 1", merge=False).hex() == "0a06612e79616d6c1204783a2031"
    merged = set_request("a.yaml", LONG, merge=True)
    assert merged.hex() == "0a06612e79616d6c12c801" + "c3a9" * 100 + "1801"


def test_replies() -> None:
    assert get_reply(b"") == ""
    assert get_reply(bytes.fromhex("0ac801" + "c3a9" * 100)) == LONG
    # a number, eight bytes, four bytes, and a text of fields that later releases may have
    more = bytes.fromhex("20ac02" + "29" + "00" * 8 + "35" + "00" * 4 + "3a0161")
    assert get_reply(more + b"\x0a\x01x") == "x"


@pytest.mark.parametrize("content", ["0a", "0a05", "0a0561", "0a01ff", "0b", "29", "ff" * 12])
def test_what_is_no_reply_is_said_to_be_none(content: str) -> None:
    with pytest.raises(WireError):
        get_reply(bytes.fromhex(content))


@given(st.binary(max_size=40))
def test_no_bytes_raise_anything_else(content: bytes) -> None:
    with suppress(WireError):
        get_reply(content)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text_comes_back(text: str) -> None:
    assert get_reply(get_request(text)) == text
