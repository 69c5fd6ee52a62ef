from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plugin.capture import privileges
from plugin.errors import OptionError, OutputError
from tests.services import open_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]


def test_an_account_by_name_number_and_group() -> None:
    nobody = privileges.find_account("nobody")
    assert privileges.find_account(str(nobody.uid)) == nobody
    assert privileges.find_account("nobody:12345").gid == 12345


@pytest.mark.parametrize("text", ["no-such-user", "", "nobody:no-such-group", "999999999"])
def test_an_account_that_is_not_there(text: str) -> None:
    with pytest.raises(OptionError, match="no such"):
        privileges.find_account(text)


def test_root_is_no_one_to_become() -> None:
    with pytest.raises(OptionError, match="root"):
        privileges.find_account("root")


def test_only_root_can_drop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(OptionError, match="only root"):
        privileges.drop(privileges.find_account("nobody"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to drop")
def test_there_is_no_way_back() -> None:
    program = (
        "import os\nfrom plugin.capture import privileges as p\n"
        "p.drop(p.find_account('nobody'))\n"
        "print(os.getresuid(), os.getgroups())\n"
        "s = open('/proc/self/status').read()\n"
        "print(s[s.index('CapPrm'):].split()[1], s[s.index('CapEff'):].split()[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    ids, capabilities = done.stdout.splitlines()
    assert ids.startswith("(65534, 65534, 65534) []")
    assert {int(c, 16) for c in capabilities.split()} == {0}


ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another")


def as_nobody(program: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    """Run a program that becomes nobody where it says ``drop()``."""
    head = (
        "import sys\nfrom pathlib import Path\nfrom plugin.capture import privileges as p\n"
        "nobody = p.find_account('nobody')\n"
    )
    return subprocess.run(
        [sys.executable, "-c", head + program, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@ROOT_ONLY
def test_cap_net_raw_alone_can_be_kept() -> None:
    done = as_nobody(
        "import socket, threading\n"
        "p.drop(nobody, keep_raw=True)\n"
        "opens = lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()\n"
        "thread = threading.Thread(target=opens)\n"
        "thread.start()\nthread.join()\n"
        "print(open('/proc/self/status').read())\n"
    )
    assert done.stderr == ""
    fields = dict(one.split(":\t", 1) for one in done.stdout.splitlines() if ":\t" in one)
    assert {int(fields[one], 16) for one in ("CapPrm", "CapEff")} == {1 << 13}
    assert {int(fields[one], 16) for one in ("CapInh", "CapAmb")} == {0}


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that nobody can reach too; pytest's own are closed to others."""
    with open_folder() as folder:
        yield folder


@ROOT_ONLY
def test_a_folder_is_made_the_accounts_with_its_parents_roots(place: Path) -> None:
    nobody = privileges.find_account("nobody")
    for _ in range(2):
        privileges.make_folder(nobody, place / "a" / "b")
    made = (place / "a" / "b").stat()
    assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (nobody.uid, nobody.gid, 0o750)
    assert (place / "a").stat().st_uid == 0
    privileges.make_folder(nobody, place / "a" / "b" / "c")
    assert not (place / "a" / "b" / "c").exists(), "the account makes what is in its own folder"


def test_a_folder_of_our_own_is_closed_to_others(tmp_path: Path) -> None:
    privileges.make_folder(None, tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o750
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        privileges.make_folder(None, tmp_path / "file")


@ROOT_ONLY
def test_links_that_the_account_put_there_are_refused(place: Path) -> None:
    nobody = privileges.find_account("nobody")
    target, state = place / "target", place / "state"
    (target / "inner").mkdir(parents=True)
    privileges.make_folder(nobody, state)
    (state / "captures").symlink_to(target)
    with pytest.raises(OutputError, match="is a link"):
        privileges.make_folder(nobody, state / "captures")
    place.chmod(0o777)
    (place / "other").symlink_to(target)
    with pytest.raises(OutputError, match="is a link"):
        privileges.make_folder(nobody, place / "other" / "new")
    assert {path.stat().st_uid for path in (target, *target.iterdir())} == {0}
    place.chmod(0o755)  # now it is only root who can have put it there
    privileges.make_folder(nobody, place / "other" / "new")
    assert (target / "new").stat().st_uid == nobody.uid


@ROOT_ONLY
def test_files_of_another_are_named_with_what_to_do(place: Path) -> None:
    nobody = privileges.find_account("nobody")
    privileges.make_folder(nobody, place / "state")
    (place / "state" / "shared").touch()
    (place / "state" / "shared").chmod(0o666)
    program = "p.drop(nobody)\np.check_owned(nobody, Path(sys.argv[1]))\n"
    assert as_nobody(program, place / "state").stderr == ""
    assert as_nobody(program, place / "none").stderr == ""
    (place / "closed").mkdir(0o750)
    told = as_nobody(program, place / "closed").stderr
    assert f"{place / 'closed'}: belongs to root, not to nobody" in told, "nobody sees into it"
    assert f"chown -hR {nobody.uid}:{nobody.gid} {place / 'closed'}" in told
    assert "cannot be reached by nobody" in as_nobody(program, place / "closed" / "in").stderr
    (place / "state" / "journal").mkdir(0o700)
    told = as_nobody(program, place / "state").stderr
    assert f"{place / 'state' / 'journal'}: belongs to root, not to nobody" in told
    assert "chown -hR" in told
