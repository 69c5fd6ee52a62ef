"""The spool's files read back, whatever became of their bytes."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from plugin.broker.message import Message
from plugin.broker.segment import Part, pack, parts, unpack

MESSAGES = st.builds(
    Message,
    st.text(max_size=20),
    st.text(max_size=20),
    st.text(max_size=20),
    st.binary(max_size=400),
)


@given(st.lists(MESSAGES, max_size=5))
def test_messages_come_back_as_they_were(messages: list[Message]) -> None:
    content = b"".join(map(pack, messages))
    found = list(parts(content))
    assert all(part.whole for part in found)
    assert [unpack(content[p.place : p.place + p.size]) for p in found] == messages


@example([bytes(64), pack(Message("e", "k", "1", b"{}"))])
@example([pack(Message("e", "k", "1", b"{}"))[:-1]])
@given(st.lists(st.one_of(st.binary(max_size=60), MESSAGES.map(pack)), max_size=6))
def test_all_of_a_file_is_told_and_what_is_whole_can_be_read(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    place = 0
    for part in parts(content):
        assert part.place == place
        assert part.size > 0
        place += part.size
        assert (unpack(content[part.place : place]) is not None) == part.whole
        assert not part.cut or place == len(content)
    assert place == len(content)


def test_a_message_behind_rubbish_is_found() -> None:
    rubbish, message = b"\x01\x02\x00\x00rubbish" * 9, pack(Message("e", "k", "1", b"{}"))
    assert list(parts(rubbish + message)) == [
        Part(0, len(rubbish), whole=False),
        Part(len(rubbish), len(message), whole=True),
    ]


def test_an_end_that_a_crash_cut_is_told_from_damage() -> None:
    record = pack(Message("e", "k", "1", b"{}"))
    for end in range(1, len(record)):
        assert list(parts(record[:end])) == [Part(0, end, whole=False, cut=True)]
    assert list(parts(record[:-1] + b"!")) == [Part(0, len(record), whole=False)]
    assert list(parts(bytes(40))) == [Part(0, 40, whole=False)]
