"""Files are replaced whole, and a write is over only when Faucet lists the file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.errors import FaucetFileError
from plugin.events import LoadedFile
from plugin.faucet import files
from plugin.faucet.check import find_checker
from tests.checker import environment
from tests.disk import Disk

TEXT = "vlans: {v: {vid: 1}}\ndps: {s: {dp_id: 1, interfaces: {1: {native_vlan: v}}}}\n"


def test_equal_bytes_are_not_written(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    assert files.write_text(file, "ü\r\n")
    assert files.read_text(file) == "ü\r\n"
    before = file.stat().st_ino
    assert not files.write_text(file, "ü\r\n")
    assert file.stat().st_ino == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.yaml"]


def test_what_was_written_outlives_a_power_cut_and_so_does_a_deletion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    files.write_text(tmp_path / "a.yaml", "one")
    files.write_text(tmp_path / "a.yaml", "two")
    assert disk.left(tmp_path) == {"a.yaml": b"two"}
    files.delete(tmp_path / "a.yaml")
    assert disk.left(tmp_path) == {}


def test_mode_stays_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    real.write_text("a")
    real.chmod(0o640)
    link.symlink_to(real)
    assert files.write_text(link, "b")
    assert link.is_symlink()
    assert real.read_text() == "b"
    assert real.stat().st_mode & 0o777 == 0o640


def test_unreadable_and_unwritable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FaucetFileError, match=r"none.yaml: cannot be read"):
        files.read_text(tmp_path / "none.yaml")
    (tmp_path / "latin").write_bytes(b"a\xff")
    with pytest.raises(FaucetFileError, match="byte 1: is no UTF-8"):
        files.read_text(tmp_path / "latin")
    with pytest.raises(FaucetFileError, match="cannot be written"):
        files.write_text(tmp_path / "no" / "a.yaml", "x")
    with pytest.raises(FaucetFileError, match="cannot be written"), files.locked(tmp_path / "no"):
        pass
    with pytest.raises(FaucetFileError, match="cannot be removed"):
        files.delete(tmp_path)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with (
        files.locked(tmp_path),
        pytest.raises(FaucetFileError, match="another Halia"),
        files.locked(tmp_path),
    ):
        pass
    with files.locked(tmp_path):
        pass


def test_the_lock_can_be_read_by_all(tmp_path: Path) -> None:
    """Faucetconfrpc copies the whole folder, as whoever it runs."""
    with files.locked(tmp_path):
        assert (tmp_path / files.LOCK).stat().st_mode & 0o444 == 0o444


def test_what_is_put_aside_is_kept_under_a_name_of_its_bytes(tmp_path: Path) -> None:
    file, away = tmp_path / "a.yaml", tmp_path / "new" / "folder"
    for folder in (None, away):
        found = set()
        for content in (b"\xff", b"\xfe", b"\xff"):
            file.unlink(missing_ok=True)  # what is kept beside it is the same file
            file.write_bytes(content)
            kept = files.put_aside(file, folder)
            assert kept.read_bytes() == content
            assert kept.parent == (folder or tmp_path)
            found.add(kept.name)
        assert len(found) == 2
    assert away.stat().st_mode & 0o77 == 0
    for wrong in (tmp_path / "none", file):
        with pytest.raises(FaucetFileError, match="cannot be put aside"):
            files.put_aside(wrong, file / "folder")


def test_hashes_are_faucets() -> None:
    assert files.file_hash("a\r\nb") == files.file_hash("a\nb")
    assert files.file_hash("a") != files.file_hash("b")


def test_a_writer_checks_writes_and_leaves_alone(tmp_path: Path) -> None:
    root = tmp_path / "faucet.yaml"
    writer = files.Writer(find_checker(environment()), root, pid=None, loaded=lambda: None)
    assert writer.write({root: TEXT}, {})
    assert not writer.write({root: TEXT}, {})
    with pytest.raises(FaucetFileError, match="parser refuses") as caught:
        writer.write({root: TEXT.replace("dp_id", "dpid")}, {})
    assert "nothing was written" in str(caught.value)
    assert files.read_text(root) == TEXT


def test_two_writes_are_some_time_apart_whoever_makes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("plugin.faucet.files.time.sleep", pauses.append)
    monkeypatch.setattr(files.Writer, "check", lambda *_: None)
    root, other = tmp_path / "faucet.yaml", tmp_path / "other.yaml"
    for path in (root, other):
        one = files.Writer(Path("none"), root, pid=None, loaded=lambda: None)
        assert one.write({path: "a: 1"}, {})
    assert pauses[0] == 0
    assert 0 < pauses[1] <= files.PAUSE_SECONDS
    os.utime(root, (1, 1))
    os.utime(other, (1, 1))
    writer = files.Writer(Path("none"), root, pid=None, loaded=lambda: None)
    assert writer.write({root: "a: 3"}, {})
    assert pauses[2] == 0


def test_loaded_means_that_faucet_lists_our_hash(tmp_path: Path) -> None:
    root = tmp_path / "faucet.yaml"
    root.write_text(TEXT)
    answers: list[list[LoadedFile] | None] = [
        None,
        [LoadedFile(path=str(root), sha256="old")],
        [LoadedFile(path=str(root), sha256=files.file_hash(TEXT))],
    ]
    writer = files.Writer(Path("none"), root, pid=None, loaded=lambda: answers.pop(0))
    assert writer.wait_loaded({root: TEXT}, seconds=60)
    assert answers == []
    writer = files.Writer(Path("none"), root, pid=None, loaded=lambda: None)
    assert not writer.wait_loaded({root: TEXT}, seconds=0.05)


def test_faucet_is_signalled_again_until_it_lists_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "RESEND_SECONDS", 0.05)
    monkeypatch.setattr(files, "POLL_SECONDS", 0.01)
    counted = []
    before = signal.signal(signal.SIGHUP, lambda *_: counted.append(1))
    try:
        writer = files.Writer(
            Path("none"),
            tmp_path / "f",
            pid=os.getpid(),
            loaded=lambda: (
                [LoadedFile(path=str(tmp_path / "f"), sha256=files.file_hash(""))]
                if len(counted) > 2
                else None
            ),
        )
        assert writer.wait_loaded({tmp_path / "f": ""}, seconds=60)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert len(counted) > 2


def test_a_faucet_that_is_gone_cannot_be_signalled(tmp_path: Path) -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    writer = files.Writer(Path("none"), tmp_path / "f", pid=done.pid, loaded=lambda: None)
    with pytest.raises(FaucetFileError, match="cannot be signalled"):
        writer.reload()


def test_a_faucet_that_has_only_just_begun_is_not_ended_by_a_signal() -> None:
    words = [sys.executable, "-c", "print(flush=True); input()"]  # no handler: as while it imports
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        why = files.hang_up(process.pid)
        assert why is not None
        assert "is starting" in why
        process.stdin.write(b"\n")
        process.stdin.close()
        assert process.wait(30) == 0


def processes(folder: Path, *found: tuple[bytes, bytes]) -> Path:
    for pid, (words, environ) in enumerate(found, 10):
        (folder / str(pid)).mkdir()
        (folder / str(pid) / "cmdline").write_bytes(words)
        (folder / str(pid) / "environ").write_bytes(environ)
    (folder / "self").mkdir()
    (folder / "99").mkdir()  # it has ended meanwhile
    return folder


def test_the_faucet_that_reads_the_file_is_found(tmp_path: Path) -> None:
    root = tmp_path / "faucet.yaml"
    config = b"FAUCET_CONFIG=" + os.fsencode(root)
    proc = processes(
        tmp_path,
        (b"/usr/bin/python\0/venv/bin/faucet\0", config + b"\0FAUCET_PROMETHEUS_PORT=9999\0"),
        (b"/usr/bin/python\0/venv/bin/gauge\0", config),
        (b"faucet\0", b"FAUCET_CONFIG=/other"),
        (b"vi\0-R\0faucet\0", config),
    )
    found = files.find_faucet(root, proc)
    assert found is not None
    assert (found.pid, found.page, found.reverts) == (10, "http://127.0.0.1:9999", False)


def test_a_faucet_that_runs_on_os_ken_is_found(tmp_path: Path) -> None:
    root = tmp_path / "faucet.yaml"
    config = b"FAUCET_CONFIG=" + os.fsencode(root)
    words = b"/venv/bin/python\0/venv/bin/osken-manager\0--ofp-tcp-listen-port=6653\0faucet."
    proc = processes(tmp_path, (words + b"gauge\0", config), (words + b"faucet\0", config))
    found = files.find_faucet(root, proc)
    assert found is not None
    assert found.pid == 11


def test_what_calls_itself_faucet_and_names_a_path_in_circles_is_none(tmp_path: Path) -> None:
    loop, root = tmp_path / "loop", tmp_path / "faucet.yaml"
    loop.symlink_to(loop)
    configs = [b"FAUCET_CONFIG=" + os.fsencode(path) for path in (loop, root)]
    proc = processes(tmp_path, *((b"faucet\0", config) for config in configs))
    found = files.find_faucet(root, proc)
    assert found is not None
    assert found.pid == 11


def test_no_faucet_or_two_are_none(tmp_path: Path) -> None:
    root = Path("/etc/faucet/faucet.yaml")
    assert files.find_faucet(root, processes(tmp_path)) is None
    two = tmp_path / "two"
    two.mkdir()
    assert files.find_faucet(root, processes(two, (b"faucet\0", b""), (b"faucet\0", b""))) is None


def test_what_its_environment_says() -> None:
    plain = files.Faucet(1, {})
    assert (plain.page, plain.reverts) == ("http://127.0.0.1:9302", False)
    other = files.Faucet(
        1, {"FAUCET_PROMETHEUS_ADDR": "10.0.0.1", "FAUCET_CONFIG_AUTO_REVERT": "1"}
    )
    assert (other.page, other.reverts) == ("http://10.0.0.1:9302", True)


def test_what_is_no_file_or_much_too_large_is_not_read(tmp_path: Path) -> None:
    pipe, huge, circle = tmp_path / "pipe", tmp_path / "huge", tmp_path / "circle"
    os.mkfifo(pipe)
    with huge.open("wb") as stream:
        stream.truncate(files.BYTES_MOST + 1)
    circle.symlink_to(circle)
    assert files.real_path(circle) == circle
    for file, words in ((pipe, "no regular file"), (huge, "larger than"), (circle, "levels of")):
        with pytest.raises(FaucetFileError, match=words):
            files.read_text(file)
    assert files.read_bytes(huge, 3) == b"\0\0\0"


def test_whether_a_file_could_be_written_is_known_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.yaml"
    assert files.why_unwritable(file) is None
    file.touch()
    assert files.why_unwritable(file) is None
    assert files.why_unwritable(tmp_path / "none" / "a.yaml") == (
        f"{tmp_path}/none may not be written"
    )
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    assert files.why_unwritable(file) == f"{file} belongs to another user"
