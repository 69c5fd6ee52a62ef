"""Who has connected, asked of the kernel, with real processes of other users."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.control.peer import myself, peer_of
from tests.nobody import NOBODY, as_nobody
from tests.services import open_folder

CONNECT = """
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    s.recv(1)
"""


def test_this_process() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        peer = peer_of(ours)
    assert (peer.pid, peer.uid, peer.gid) == (os.getpid(), os.geteuid(), os.getegid())
    assert peer.groups == {os.getegid(), *os.getgroups()}
    assert peer.user == pwd.getpwuid(os.geteuid()).pw_name
    assert myself() == peer


@pytest.mark.parametrize("groups", ["", "daemon,mail"])
def test_another_user(groups: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with open_folder() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s"))
        (folder / "s").chmod(0o777)
        listener.listen()
        argv = as_nobody(
            [sys.executable, "-c", CONNECT, str(folder / "s")], Path(folder), groups=groups
        )
        process = subprocess.Popen(argv)
        connection, _ = listener.accept()
        with connection:
            peer = peer_of(connection)
        assert process.wait() == 0
    assert (peer.uid, peer.gid, peer.user) == (NOBODY, NOBODY, pwd.getpwuid(NOBODY).pw_name)
    wanted = {grp.getgrnam(name).gr_gid for name in groups.split(",") if name}
    assert peer.groups == {NOBODY, *wanted}
