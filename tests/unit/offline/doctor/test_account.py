"""Looking as another user, and being oneself again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plugin.offline.doctor.account import account_of, may, seen_by
from tests.doctors import wanted
from tests.nobody import NOBODY
from tests.services import open_folder


def test_who_the_daemon_will_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert account_of(wanted(tmp_path)).uid == os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert account_of(wanted(tmp_path, run__user="nobody")).uid == NOBODY
    assert account_of(wanted(tmp_path, run__user="nosuchuser")).uid == 0
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    own = account_of(wanted(tmp_path, run__user="nobody"))
    assert (own.name, own.uid) == ("4000000", 4_000_000)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_files_are_asked_as_that_user_for_a_while(tmp_path: Path) -> None:
    nobody = account_of(wanted(tmp_path, run__user="nobody"))
    before = os.getgroups()
    with open_folder() as folder:
        (folder / "secret").touch(0o600)
        with seen_by(nobody):
            assert not may(folder / "secret", os.R_OK)
            assert os.getgroups() == []
        assert may(folder / "secret", os.R_OK)
    assert (os.geteuid(), os.getegid(), os.getgroups()) == (0, os.getgid(), before)
    with seen_by(account_of(wanted(tmp_path))):
        assert os.geteuid() == 0
