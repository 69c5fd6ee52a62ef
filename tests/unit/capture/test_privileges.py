from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.capture import privileges
from plugin.errors import OptionError

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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_folders_are_given_with_all_in_them_but_no_link_is_followed(tmp_path: Path) -> None:
    inner = tmp_path / "given" / "inner"
    inner.mkdir(parents=True)
    (inner / "file").touch()
    outside = tmp_path / "outside"
    outside.touch()
    (inner / "link").symlink_to(outside)
    nobody = privileges.find_account("nobody")
    privileges.give(nobody, tmp_path / "given")
    assert {path.stat().st_uid for path in (inner, inner / "file")} == {nobody.uid}
    assert outside.stat().st_uid == 0
