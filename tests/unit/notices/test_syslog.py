"""Lines of syslog at real sockets, and text that would like to be a line of its own."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.notices.notice import ChannelError, Notice, alarm_notice, decision_notice
from plugin.notices.syslog import (
    BYTES_MOST,
    FACILITIES,
    Receiver,
    Sender,
    Syslog,
    local_line,
    read_receiver,
    rfc5424_line,
)
from plugin.settings.table import BY_KEY
from tests.cases import AT, MAC, step
from tests.rabbit import free_ports

PATIENCE = 20.0
NOTICE = decision_notice(step())
SENDER = Sender("ctl1", 42)
EVIL = 'x" state="released\r\n<0>1 2023-11-14T22:13:20Z h halia - - - forged\n\0\x1b[2J\u2028ü\\'
RFC5424 = re.compile(
    rb"<(\d{1,3})>1 (\S+) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) - ([ -~]*)"
)
FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*")(?: |$)')


def fields(text: str) -> dict[str, str]:
    """Read ``name="value" …`` to the end: nothing may stand between."""
    found, at = {}, 0
    while at < len(text):
        one = FIELD.match(text, at)
        assert one is not None, text[at:]
        found[one[1]] = json.loads(one[2])
        at = one.end()
    return found


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as one:
        one.settimeout(PATIENCE)
        yield one


def test_a_line_is_as_rfc_5424_has_it() -> None:
    found = RFC5424.fullmatch(rfc5424_line(NOTICE, FACILITIES["local3"], SENDER))
    assert found is not None
    assert int(found[1]) == 19 * 8 + 4
    assert found.groups()[1:6] == (
        b"2023-11-14T22:13:20.25Z",
        b"ctl1",
        b"halia",
        b"42",
        b"decision",
    )
    assert fields(found[7].decode()) == {**NOTICE.fields, "text": NOTICE.text}


def test_a_local_line_is_as_glibc_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-2")
    time.tzset()
    try:
        line = local_line(NOTICE._replace(time=1_699_315_200.0), FACILITIES["daemon"], SENDER)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert line.startswith(b'<28>Nov  7 02:00:00 halia[42]: decision case="7" state="isolated" ')


@pytest.mark.parametrize("form", [rfc5424_line, local_line])
def test_hostile_names_forge_no_line_and_no_field(form: type) -> None:
    notices = (
        decision_notice(step(reason=EVIL, rule=EVIL, actor=EVIL, why=EVIL)),
        alarm_notice(AT, "spoofed", MAC, EVIL),
    )
    for notice in notices:
        line = form(notice, 3, SENDER).decode("ascii")
        assert line.isprintable()
        found = fields(line[line.index(" case=" if notice.fields.get("case") else " alarm=") + 1 :])
        assert found["text"] == notice.text
        assert found.get("state", "isolated") == "isolated"


def test_a_machine_of_any_name_makes_no_other_line() -> None:
    line = rfc5424_line(NOTICE, 3, Sender("a b\nü", 1))
    assert b" ab halia 1 decision " in line
    assert b" - halia 1 decision " in rfc5424_line(NOTICE, 3, Sender("ü", 1))


@pytest.mark.parametrize("letter", ["x", "ü", '"', "😀"])
def test_a_long_text_is_cut_within_its_quotes(letter: str) -> None:
    notice = decision_notice(step(reason=letter * 10_000, rule="r" * 500))
    line = rfc5424_line(notice, 3, SENDER)
    assert len(line) <= BYTES_MOST
    match = RFC5424.fullmatch(line)
    assert match is not None
    found = fields(match[7].decode())
    assert found["text"].endswith("…")
    assert found["rule"] == "r" * 128


def test_the_text_is_cut_no_further_than_it_must() -> None:
    line = rfc5424_line(alarm_notice(AT, "caps", None, "x" * 10_000), 3, SENDER)
    assert BYTES_MOST * 2 / 3 < len(line) <= BYTES_MOST


def test_each_notice_is_a_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(PATIENCE)
        one = Syslog(Receiver("udp", "127.0.0.1", server.getsockname()[1]), "daemon")
        for _ in range(2):
            one.send([NOTICE])
            assert RFC5424.fullmatch(server.recv(65_536))
        one.close()


def test_over_tcp_each_is_counted(listening: socket.socket) -> None:
    one = Syslog(Receiver("tcp", *listening.getsockname()), "daemon")
    evil = decision_notice(step(reason=EVIL))
    one.send([NOTICE])
    one.send([evil])
    one.close()
    connection, _ = listening.accept()
    with connection, connection.makefile("rb") as stream:
        content = stream.read()
    lines = []
    while content:
        size, _, content = content.partition(b" ")
        lines.append(content[: int(size)])
        content = content[int(size) :]
    assert len(lines) == 2
    assert all(RFC5424.fullmatch(line) for line in lines)


def test_a_receiver_that_began_anew_is_connected_to_again(listening: socket.socket) -> None:
    one = Syslog(Receiver("tcp", *listening.getsockname()), "daemon")
    one.send([NOTICE])
    first, _ = listening.accept()
    with first:
        assert first.recv(65_536)
    wait_for_the_end(one)
    one.send([NOTICE])
    second, _ = listening.accept()
    with second:
        second.settimeout(PATIENCE)
        assert RFC5424.fullmatch(second.recv(65_536).partition(b" ")[2])
    one.close()


def wait_for_the_end(one: Syslog) -> None:
    """Until the news that the other side has closed is here."""
    assert one._socket is not None
    one._socket.settimeout(PATIENCE)
    assert one._socket.recv(1, socket.MSG_PEEK) == b""


def test_a_socket_of_this_machine_gets_the_local_form(tmp_path: Path) -> None:
    place = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(place))
        server.settimeout(PATIENCE)
        one = Syslog(read_receiver(str(place)), "authpriv")
        one.send([NOTICE])
        assert re.match(rb"<84>[A-Z][a-z]{2} [ \d]\d [\d:]{8} halia\[\d+\]: ", server.recv(65_536))
    with pytest.raises(ChannelError, match=rf"^{place}: (Connection refused|.*not connected)"):
        one.send([NOTICE])
    place.unlink()
    with pytest.raises(ChannelError, match="No such file"):
        one.send([NOTICE])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(place))
        one.send([NOTICE])
        assert server.recv(65_536)
    one.close()


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_who_is_not_there_is_told(kind: str) -> None:
    port = free_ports(1)[0]
    one = Syslog(Receiver(kind, "127.0.0.1", port), "daemon")

    def send(notices: list[Notice]) -> None:
        for _ in range(50):  # UDP hears of it with the next that is sent
            one.send(notices)

    with pytest.raises(ChannelError, match=rf"^{kind}://127\.0\.0\.1:{port}: Connection refused$"):
        send([NOTICE])
    one.close()


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_what_is_no_name_of_a_host_is_told(kind: str) -> None:
    with pytest.raises(ChannelError, match="is no name of a host"):
        Syslog(Receiver(kind, "log..example", 514), "daemon").send([NOTICE])


def test_the_setting_is_read() -> None:
    assert read_receiver("/dev/log") == Receiver("unix", "/dev/log")
    assert read_receiver("udp://[::1]:514") == Receiver("udp", "::1", 514)
    assert read_receiver("tcp://log:601") == Receiver("tcp", "log", 601)
    assert str(read_receiver("tcp://log:601")) == "tcp://log:601"
    assert set(FACILITIES) == set(BY_KEY["notify.syslog_facility"].choices)
