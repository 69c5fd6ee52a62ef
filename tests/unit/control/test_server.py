"""The server under clients of all kinds: other users, silent, slow, stuck, many, hostile."""

from __future__ import annotations

import json
import os
import pwd
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.control.client import ask, stream
from plugin.control.protocol import LINE_MAX, Request, UntoldError
from plugin.control.server import ControlServer, Limits
from plugin.control.service import alarm_event, device_event
from plugin.errors import DeniedError, InputError, PeerError, SettingsError
from tests.labs import wait_for
from tests.nobody import as_nobody
from tests.services import NOW, PRINTER, STATUS, Office, device, open_folder, serving

ROOT = Path(__file__).resolve().parents[3]
ASK = """
import sys
from pathlib import Path
from plugin.control.client import ask
from plugin.control.protocol import Request
from plugin.errors import HaliaError
try:
    print(ask(Path(sys.argv[1]), Request(ask="status"))[0]["pid"])
except HaliaError as error:
    print(error)
    sys.exit(error.exit_code)
"""
RAW = """
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    s.sendall(b'nonsense\\n')
    print(s.makefile().readline())
"""
FLOOD = device_event(device(PRINTER, why="x" * 50_000))


def connected(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(30)
    client.connect(str(path))
    return client


def said(client: socket.socket) -> list[Any]:
    """All that is said until the connection ends."""
    with client.makefile("rb") as lines:
        return [json.loads(line) for line in lines]


def test_many_requests_on_one_connection(tmp_path: Path) -> None:
    with serving(tmp_path / "s"), connected(tmp_path / "s") as client:
        request = b'{"halia":1,"id":%d,"ask":"status"}\n'
        client.sendall(request % 1 + b'{"halia":1,"id":2,"ask":"sing"}\n' + request % 3)
        client.shutdown(socket.SHUT_WR)
        replies = said(client)
    assert [r["id"] for r in replies] == [1, 1, 2, 3, 3]
    assert replies[0]["answer"] == STATUS
    assert replies[2]["problem"]["kind"] == "unknown"


def test_an_answer_larger_than_a_line_comes_whole(tmp_path: Path) -> None:
    many = [device(f"02:00:00:00:{i >> 8:02x}:{i & 255:02x}") for i in range(10_000)]
    with serving(tmp_path / "s", Office(many)):
        found = ask(tmp_path / "s", Request(ask="devices"))
    assert found == many
    assert len(json.dumps(many)) > 3 * LINE_MAX


@given(st.lists(st.binary(max_size=80), max_size=4))
@settings(max_examples=60, deadline=None)
def test_hostile_lines_end_in_problems(lines: list[bytes]) -> None:
    with open_folder() as folder, serving(folder / "s"):
        with connected(folder / "s") as client:
            try:
                client.sendall(b"\n".join(lines) + b"\n")
                client.shutdown(socket.SHUT_WR)
                replies = said(client)
            except (BrokenPipeError, ConnectionResetError):
                replies = []  # it has heard enough
            assert all("problem" in reply for reply in replies)
        assert ask(folder / "s", Request(ask="status")) == [STATUS]


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    with serving(tmp_path / "s"), connected(tmp_path / "s") as client:
        client.sendall(b"x" * (LINE_MAX + 1))
        (reply,) = said(client)
    assert "longer than" in reply["problem"]["reason"]


def test_a_silent_client_is_let_go(tmp_path: Path) -> None:
    with serving(tmp_path / "s", limits=Limits(silent=0.2)) as server:
        with connected(tmp_path / "s") as client:
            client.sendall(b'{"halia":1,')
            assert said(client) == []
        wait_for(lambda: not server._clients, "its place to be free")


def test_too_many_clients_are_told_so(tmp_path: Path) -> None:
    with serving(tmp_path / "s", limits=Limits(clients=2)) as server:
        idle = [connected(tmp_path / "s") for _ in range(2)]
        wait_for(lambda: len(server._clients) == 2, "both to be served")
        with pytest.raises(PeerError, match="too many"):
            ask(tmp_path / "s", Request(ask="status"))
        assert server.refused == 1
        for one in idle:
            one.close()
        wait_for(lambda: not server._clients, "their places to be free")
        assert ask(tmp_path / "s", Request(ask="status")) == [STATUS]


def test_one_that_takes_no_answer_costs_nobody_anything(tmp_path: Path) -> None:
    many = Office([device(PRINTER, why="x" * 50_000)] * 100)
    with (
        serving(tmp_path / "s", many, limits=Limits(slow=0.3)) as server,
        connected(tmp_path / "s") as stuck,
    ):
        stuck.sendall(b'{"halia":1,"id":1,"ask":"devices"}\n')
        assert ask(tmp_path / "s", Request(ask="status")) == [STATUS]
        wait_for(lambda: server.dropped == 1, "it to be dropped")
        wait_for(lambda: not server._clients, "its place to be free")


class Broken(Office):
    """A service in trouble."""

    def device(self, key: str) -> dict[str, Any] | None:
        if key == "nan":
            return {"x": float("nan")}
        raise InputError("the journal cannot be read", where="journal", advice="look at the disk")


def test_what_the_service_cannot_tell_is_told(tmp_path: Path) -> None:
    with serving(tmp_path / "s", Broken()):
        with pytest.raises(PeerError) as caught:
            ask(tmp_path / "s", Request(ask="device", arguments={"key": "x"}))
        assert str(caught.value).endswith("journal: the journal cannot be read; look at the disk")
        with pytest.raises(PeerError, match="cannot be told"):
            ask(tmp_path / "s", Request(ask="device", arguments={"key": "nan"}))
        assert ask(tmp_path / "s", Request(ask="status")) == [STATUS]


def test_what_is_denied_is_no_failure(tmp_path: Path) -> None:
    office = Office()
    office.denied = "it is protected: the policy names its MAC address"
    order = {"key": PRINTER, "action": "block", "seconds": 60, "reason": "it scans"}
    with serving(tmp_path / "s", office):
        with pytest.raises(DeniedError, match="it is protected") as caught:
            ask(tmp_path / "s", Request(ask="isolate", arguments=order))
        assert caught.value.exit_code == 4
        assert ask(tmp_path / "s", Request(ask="status")) == [STATUS]
    ((_, words),) = office.orders
    assert words["actor"] == pwd.getpwuid(os.getuid()).pw_name


def test_a_mistake_of_ours_ends_one_connection_and_is_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", told.append)

    class Mistaken(Office):
        def device(self, key: str) -> dict[str, Any] | None:
            raise KeyError(key)

    with serving(tmp_path / "s", Mistaken()) as server:
        with pytest.raises(PeerError, match="ended before its answer"):
            ask(tmp_path / "s", Request(ask="device", arguments={"key": "x"}))
        wait_for(lambda: told, "the traceback")
        assert told.pop().exc_type is KeyError
        assert ask(tmp_path / "s", Request(ask="status")) == [STATUS]
        wait_for(lambda: not server._clients, "their places to be free")


DAEMON = """
import os, sys, time
from pathlib import Path
from plugin.control.server import ControlServer
from plugin.control.service import answers
from tests.services import Office
server = ControlServer(Path(sys.argv[1]), answers(Office()), group="daemon", owner=65534)
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
server.start()
print("serves", flush=True)
sys.stdin.read()
server.stop()
"""


def test_a_daemon_that_becomes_another_user() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with open_folder() as folder:
        path = folder / "run" / "s"
        reach = as_nobody([], ROOT, folder)  # what it does before it becomes nobody
        script = reach[4].rpartition("\n")[0] + '\nexec "$@"'
        words = [*reach[:4], script, "sh", sys.executable, "-c", DAEMON, str(path)]
        pipe = subprocess.PIPE
        with subprocess.Popen(words, cwd=ROOT, stdin=pipe, stdout=pipe) as daemon:
            assert daemon.stdout is not None
            assert daemon.stdout.readline() == b"serves\n"
            assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (65534, 0o660)
            for groups, code in (("", 0), ("daemon", 0)):
                argv = as_nobody(
                    [sys.executable, "-c", ASK, str(path)], ROOT, folder, groups=groups
                )
                assert subprocess.run(argv, cwd=ROOT, check=False).returncode == code
            assert ask(path, Request(ask="status")) == [STATUS]
        assert list(path.parent.iterdir()) == [], "it could remove what root had made"


def begun(path: Path, number: int = 5) -> Iterator[dict[str, Any]]:
    """A watch that has heard how things are."""
    watch = stream(path, Request(ask="watch", id=number), 30)
    for event in watch:
        if event["event"] == "current":
            break
    return watch


def test_all_who_watch_get_what_is_published(tmp_path: Path) -> None:
    with serving(tmp_path / "s") as server:
        watches = [begun(tmp_path / "s", number) for number in (0, 1, 77)]
        assert server.watchers() == 3
        server.publish(device_event(device(PRINTER, state="ok")))
        server.publish(alarm_event(NOW, "disk", None, 'full: {"id":0}'))
        for watch in watches:
            assert next(watch)["device"]["state"] == "ok"
            assert next(watch)["text"] == 'full: {"id":0}'
        del watches, watch
        wait_for(lambda: server.watchers() == 0, "those who went to be noticed")
        watch = begun(tmp_path / "s")
        with pytest.raises(UntoldError):
            server.publish({"x": float("nan")})
        server.publish(FLOOD)
        assert next(watch) == FLOOD


def test_no_change_is_lost_between_what_is_and_what_changes(tmp_path: Path) -> None:
    office = Office()

    class Changing(Office):
        def devices(self) -> list[dict[str, Any]]:
            found = [dict(one) for one in office.found]
            server.publish(device_event(device(PRINTER, state="suspect")))  # while it is told
            return found

    with serving(tmp_path / "s", Changing()) as server:
        assert next(begun(tmp_path / "s"))["device"]["state"] == "suspect"


def test_a_slow_watcher_is_dropped_with_a_note(tmp_path: Path) -> None:
    with serving(tmp_path / "s", limits=Limits(waiting=1 << 20)) as server:
        slow, quick = begun(tmp_path / "s"), begun(tmp_path / "s")
        for _ in range(100):
            server.publish(FLOOD)
            assert next(quick) == FLOOD
        with pytest.raises(PeerError, match=r"did not keep up: \d+ changes were left out"):
            list(slow)
        server.publish(FLOOD)
        assert next(quick) == FLOOD
        assert server.dropped == 1


def test_a_stuck_watcher_is_dropped(tmp_path: Path) -> None:
    with serving(tmp_path / "s", limits=Limits(slow=0.2)) as server:
        stuck = begun(tmp_path / "s")
        for _ in range(50):
            server.publish(FLOOD)
        wait_for(lambda: server.watchers() == 0, "it to be dropped")
        assert server.dropped == 1
        with pytest.raises(PeerError, match="ended before its answer"):
            list(stuck)


def test_stopping_ends_watches_and_removes_the_socket(tmp_path: Path) -> None:
    with serving(tmp_path / "s") as server:
        watch = begun(tmp_path / "s")
        with connected(tmp_path / "s"):
            server.stop()
            server.stop()
        with pytest.raises(PeerError, match="ended before"):
            next(watch)
    assert list(tmp_path.iterdir()) == []


def test_one_that_was_never_started_can_be_stopped(tmp_path: Path) -> None:
    ControlServer(tmp_path / "s", lambda _request, _peer: ()).stop()
    assert list(tmp_path.iterdir()) == []


def test_a_group_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"control\.group: there is no group nosuchgroup"):
        ControlServer(tmp_path / "s", lambda _request, _peer: (), group="nosuchgroup")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("group", "groups", "mode", "code", "words"),
    [
        ("daemon", "daemon", 0o660, 0, "4711"),
        ("daemon", "mail", 0o660, 4, "control.group"),
        (None, "", 0o660, 4, "control.group"),
        # The mode alone does not decide: whoever gets through to the daemon is looked at too.
        ("daemon", "mail", 0o666, 4, "nobody may not ask the daemon"),
    ],
)
def test_other_users(group: str | None, groups: str, mode: int, code: int, words: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with open_folder() as folder, serving(folder / "s", group=group):
        (folder / "s").chmod(mode)
        argv = as_nobody(
            [sys.executable, "-c", ASK, str(folder / "s")], ROOT, folder, groups=groups
        )
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert words in done.stdout, done.stderr
    assert done.returncode == code


def test_a_stranger_learns_nothing_about_requests() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with open_folder() as folder, serving(folder / "s") as server:
        (folder / "s").chmod(0o666)
        argv = as_nobody([sys.executable, "-c", RAW, str(folder / "s")], folder)
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        assert server.refused == 1
    assert json.loads(done.stdout)["problem"]["kind"] == "refused"
