"""The adapter that has a server write: what it says yes to is read back, compared by meaning."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.errors import FaucetFileError
from plugin.faucet import files
from plugin.faucet.confrpc import ConfRpc
from plugin.faucet.hook import INCLUDE
from plugin.faucet.remote import Remote
from tests.confrpc import Server, pairs, redumped, serving

OURS = """\
# Written by Halia.
acls:
  halia_hook:
    - rule: {dl_src: "02:00:00:00:00:01", actions: {allow: 0}}
"""
ROOT = """\
# ours
dps:
  sw1: {dp_id: 1, interfaces: {1: {native_vlan: office}, 2: {native_vlan: office}}}
"""
MOVED = ROOT.replace("1: {native_vlan: office}", "1: {native_vlan: lab}")


class Site:
    def __init__(self, folder: Path, server: Server, remote: Remote) -> None:
        self.folder, self.server = folder, server
        self.root, self.include = folder / "faucet.yaml", folder / INCLUDE
        self.root.write_text(ROOT)
        self.one = ConfRpc(
            self.root, page="http://127.0.0.1:1", remote=remote, kept=folder.parent / "kept"
        )

    def writes(self) -> list[tuple[str, str, bool]]:
        return [
            (name, text, merge) for call, name, text, merge in self.server.asked if call[0] == "S"
        ]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "faucet"
    folder.mkdir()
    known, server = pairs(tmp_path / "certificates"), Server(folder)
    with serving(server, known) as address:
        yield Site(folder, server, Remote(address, known.credentials(), seconds=5.0))


def test_it_gives_the_bytes_that_stand(site: Site) -> None:
    stands = site.one.write(site.include, OURS)
    assert stands == site.include.read_text() == redumped(OURS) != OURS
    assert site.one.form(stands) == site.one.form(OURS)
    assert site.writes() == [(INCLUDE, OURS, False)]


def test_what_means_the_same_is_not_written(site: Site) -> None:
    site.include.write_text(redumped(OURS))
    assert site.one.write(site.include, OURS) == redumped(OURS)
    assert not site.server.asked


def test_an_include_is_written_whole_and_of_the_root_only_what_differs(site: Site) -> None:
    site.include.write_text("acls: {halia_hook: [], other: []}")
    site.one.write(site.include, OURS)
    assert site.include.read_text() == redumped(OURS)
    assert site.one.write(site.root, MOVED) == redumped(MOVED)
    assert site.writes()[1] == (
        "faucet.yaml",
        "{dps: {sw1: {interfaces: {1: {native_vlan: lab}}}}}\n",
        True,
    )


def test_a_root_that_no_merge_can_make_is_written_whole(site: Site) -> None:
    less = ROOT.replace(", 2: {native_vlan: office}", "")
    site.one.write(site.root, less)
    assert site.writes() == [("faucet.yaml", less, False)]
    assert site.root.read_text() == redumped(less)


def test_what_another_client_changes_meanwhile_stays(site: Site) -> None:
    """It is not what was wanted either: the files are looked at again."""
    other = ROOT.replace("dp_id: 1", "dp_id: 7")
    site.server.meanwhile = lambda: site.root.write_text(other)
    with pytest.raises(FaucetFileError, match="does not mean what it was told"):
        site.one.write(site.root, MOVED)
    assert site.root.read_text() == redumped(MOVED.replace("dp_id: 1", "dp_id: 7"))


def test_a_yes_that_changed_nothing(site: Site) -> None:
    site.include.write_text("acls: {halia_hook: []}")
    site.server.lies = True
    with pytest.raises(FaucetFileError, match="said yes, and the file does not mean"):
        site.one.write(site.include, OURS)


def test_a_server_of_another_folder(site: Site, tmp_path: Path) -> None:
    site.server.elsewhere = tmp_path / "elsewhere"
    site.server.elsewhere.mkdir()
    with pytest.raises(FaucetFileError, match=r"and this file does not; is its --config_dir"):
        site.one.write(site.include, OURS)
    with pytest.raises(FaucetFileError, match="one folder only"):
        site.one.write(tmp_path / "elsewhere" / INCLUDE, OURS)


def test_bytes_that_are_no_text_can_be_written_over(site: Site) -> None:
    site.include.write_bytes(b"\xff\xfe")
    assert site.one.write(site.include, OURS) == redumped(OURS)


def test_faucet_is_signalled_if_it_is_seen(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    why = site.one.reload()
    assert why is not None
    assert "no single running Faucet" in why
    assert "FAUCET_CONFIG_STAT_RELOAD=1" in why
    sent: list[int] = []
    monkeypatch.setattr(files, "hang_up", sent.append)
    monkeypatch.setattr(files, "find_faucet", lambda _: files.Faucet(4711, {}))
    assert site.one.reload() is None
    assert sent == [4711]


def test_it_locks_where_it_can(site: Site) -> None:
    with (
        site.one.locked(site.folder),
        pytest.raises(FaucetFileError, match="another Halia"),
        site.one.locked(site.folder),
    ):
        pass
    mode = stat.S_IMODE((site.folder / files.LOCK).stat().st_mode)
    assert mode & stat.S_IROTH, "a server of another user copies the folder"


def test_a_folder_that_is_read_only_needs_no_lock(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    with site.one.locked(site.folder):
        assert not (site.folder / files.LOCK).exists()
    (site.folder / files.LOCK).touch(0o444)
    with site.one.locked(site.folder), pytest.raises(FaucetFileError), site.one.locked(site.folder):
        pass


def test_a_call_can_be_ended(site: Site) -> None:
    site.one.close()
    with pytest.raises(Exception, match="is closed"):
        site.one.write(site.include, OURS)
