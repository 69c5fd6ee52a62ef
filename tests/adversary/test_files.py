"""Others put odd things where Faucet's files are, while somebody is isolated.

Whoever may write in that folder may do anything to Faucet; but Halia must not be stopped by it, not
lie about it, and never be the tool by which another file is written over.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plugin.app.inbox import Failed
from plugin.app.looking import OURS_MOST, Looking
from plugin.errors import FaucetFileError
from plugin.faucet import files
from plugin.faucet.isolate import read
from tests.unit.app.test_hooking import BLOCK, MAC, OTHERS, PLAIN, Site

if TYPE_CHECKING:
    from collections.abc import Callable

FOREIGN = b"root:x:0:0:root:/root:/bin/sh\n"
BOMB = "a: &a [x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 8)}]\n" for n in range(9)
)
FREES = """\
# Written by Halia.
acls:
  halia_hook:
    - rule: {actions: {allow: 1}}
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    folder = tmp_path / "faucet"
    folder.mkdir()
    (folder / "faucet.yaml").write_text(PLAIN)
    one = Site(folder / "faucet.yaml", monkeypatch)
    one.turn()
    one.one.want((BLOCK,), frozenset())
    one.turn(times=2)
    assert one.isolates() == {MAC}
    one.told.clear()
    return one


def victim(file: Path) -> Path:
    """A file of somebody else's, elsewhere."""
    other = file.parent.parent / "victim"
    other.write_bytes(FOREIGN)
    return other


def _link(file: Path) -> None:
    file.symlink_to(victim(file))


def _nowhere(file: Path) -> None:
    file.symlink_to(file.parent.parent / "cron.job")


def _circle(file: Path) -> None:
    file.symlink_to(file.name)


def _device(file: Path) -> None:
    file.symlink_to("/dev/zero")


def _folder(file: Path) -> None:
    file.mkdir()
    (file / "kept").write_text("something")


def _huge(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(1 << 27)


def _deep(file: Path) -> None:
    file.write_text("[" * 1_500)


def _text(content: str) -> Callable[[Path], None]:
    def put(file: Path) -> None:
        file.write_text(content)

    return put


ODD: dict[str, Callable[[Path], None]] = {
    "link": _link,
    "link to nowhere": _nowhere,
    "circle": _circle,
    "device": _device,
    "folder": _folder,
    "pipe": os.mkfifo,
    "huge": _huge,
    "deep": _deep,
    "bomb": _text(BOMB),
    "frees": _text(FREES),
    "list": _text("- acls\n"),
    "nul": _text("\0" * 1_000),
}


@pytest.mark.parametrize("what", ODD)
def test_whatever_is_put_in_our_file_s_place_is_put_aside_and_repaired(
    site: Site, what: str
) -> None:
    site.include.unlink()
    ODD[what](site.include)
    site.fabric.alive = False  # a Faucet that cannot read its files says nothing
    site.turn(0.5, times=4)
    site.fabric.alive = True
    report = site.turn(6.0, times=4)
    assert site.include.is_file()
    assert not site.include.is_symlink()
    assert site.isolates() == {MAC}
    assert set(report.proven) == {7}
    assert not [one for one in site.told if isinstance(one, Failed)]
    (note,) = set(site.notes())
    kept = [one for one in site.include.parent.iterdir() if one.name.endswith(".kept")]
    assert len(kept) == 1
    assert kept[0].name in note
    assert not (site.config.parent.parent / "cron.job").exists()
    other = site.config.parent.parent / "victim"
    assert not other.exists() or other.read_bytes() == FOREIGN
    site.one.want((BLOCK, OTHERS), frozenset())
    site.turn(2.0, times=3)
    assert len(site.isolates()) == 2


def test_one_that_is_put_there_again_and_again_is_repaired_each_time(site: Site) -> None:
    for n in range(1, 4):
        site.include.unlink()
        _link(site.include)
        site.turn(6.0, times=3)
        assert site.isolates() == {MAC}
        assert len(list(site.include.parent.glob("*.kept"))) == n
    assert victim(site.include).read_bytes() == FOREIGN


def test_a_link_to_a_file_of_ours_is_followed_and_stays(site: Site) -> None:
    """The operator may keep the file elsewhere."""
    real = site.config.parent.parent / "elsewhere.yaml"
    site.include.rename(real)
    site.include.symlink_to(real)
    site.one.want((BLOCK, OTHERS), frozenset())
    site.turn(2.0, times=3)
    assert site.include.is_symlink()
    assert len(read(real.read_text())) == 2


@pytest.mark.parametrize("what", ["circle", "device", "folder", "pipe", "huge", "deep", "nul"])
@pytest.mark.parametrize("name", ["faucet.yaml", "halia_install.json"])
def test_whatever_is_put_in_another_file_s_place_is_told_and_frees_nobody(
    site: Site, what: str, name: str
) -> None:
    file = site.config.parent / name
    before = site.include.read_bytes()
    whole = file.read_bytes()
    file.unlink()
    ODD[what](file)
    site.one.want((BLOCK, OTHERS), frozenset())
    report = site.turn(2.0, times=2)
    assert report.problem
    assert set(report.written) <= {7}
    assert not report.proven - {7}
    assert site.include.read_bytes() == before
    if file.is_dir():
        (file / "kept").unlink()
        file.rmdir()
    else:
        file.unlink()
    file.write_bytes(whole)
    report = site.turn(2.0, times=4)
    assert report.problem is None
    assert len(site.isolates()) == 2


def test_a_pipe_is_not_waited_for_and_a_huge_file_not_read(tmp_path: Path) -> None:
    pipe, huge = tmp_path / "pipe", tmp_path / "huge"
    os.mkfifo(pipe)
    _huge(huge)
    with pytest.raises(FaucetFileError, match="no regular file"):
        files.read_text(pipe)
    with pytest.raises(FaucetFileError, match="larger"):
        files.read_text(huge)
    with pytest.raises(FaucetFileError, match="no regular file"):
        files.write_text(pipe, "x")
    assert Path(pipe).is_fifo()


def test_of_a_huge_file_in_our_file_s_place_only_the_beginning_is_read(site: Site) -> None:
    _huge(site.include)
    ours = Looking(site.config).look().ours
    assert ours is not None
    assert len(ours) == OURS_MOST


def test_a_link_in_the_chain_of_folders_is_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    (real / "faucet.yaml").write_text(PLAIN)
    one = Site(link / "faucet.yaml", monkeypatch)
    one.turn()
    one.one.want((BLOCK,), frozenset())
    one.turn(times=2)
    assert one.isolates() == {MAC}
