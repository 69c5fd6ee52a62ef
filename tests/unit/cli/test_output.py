from __future__ import annotations

import argparse
import os
import threading
from pathlib import Path

import pytest

from plugin.cli import output
from plugin.errors import OutputError


def args(out: Path | None, *paths: Path, force: bool = False) -> argparse.Namespace:
    return argparse.Namespace(out=out, force=force, paths=list(paths))


def test_stdout_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    for out in (None, Path("-")):
        with output.text_output(args(out)) as stream:
            stream.write("x\n")
    assert capsys.readouterr().out == "x\nx\n"


def test_a_file_appears_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "o.json"
    with output.text_output(args(target)) as stream:
        stream.write("Gerät\n")
        assert not target.exists()
    assert target.read_bytes() == "Gerät\n".encode()
    assert list(tmp_path.iterdir()) == [target]


def write_and_fail(target: Path, *, force: bool = False) -> None:
    with output.text_output(args(target, force=force)) as stream:
        stream.write("half")
        raise ZeroDivisionError


def write_late(target: Path) -> None:
    with output.binary_output(target, force=False) as stream:
        stream.write(b"ours")
        target.write_bytes(b"theirs")


def test_a_failure_leaves_no_file_and_keeps_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "o"
    with pytest.raises(ZeroDivisionError):
        write_and_fail(target)
    assert list(tmp_path.iterdir()) == []
    target.write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        write_and_fail(target, force=True)
    assert target.read_text(encoding="utf-8") == "old"


def test_an_existing_file_needs_force(tmp_path: Path) -> None:
    target = tmp_path / "o"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(OutputError, match="exists already; add --force"):
        output.check_output(target, force=False)
    with output.binary_output(target, force=True) as stream:
        stream.write(b"new")
    assert target.read_bytes() == b"new"


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "o"
    with pytest.raises(OutputError, match="appeared meanwhile"):
        write_late(target)
    assert target.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [target]


def test_an_input_is_never_replaced(tmp_path: Path) -> None:
    capture = tmp_path / "deep" / "a.pcap"
    capture.parent.mkdir()
    capture.write_bytes(b"packets")
    (tmp_path / "link").symlink_to(capture)
    for out, source in [
        (capture, capture),
        (tmp_path / "link", capture),
        (capture, tmp_path),
        (tmp_path / "deep" / ".." / "deep" / "a.pcap", tmp_path / "link"),
    ]:
        with (
            pytest.raises(OutputError, match="is an input"),
            output.text_output(args(out, source, force=True)),
        ):
            pass
    assert capture.read_bytes() == b"packets"


def test_a_new_file_in_an_input_folder_is_fine(tmp_path: Path) -> None:
    output.check_output(tmp_path / "new.csv", force=False, inputs=[tmp_path, Path("-")])


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a directory"):
        output.check_output(tmp_path, force=True)
    with (
        pytest.raises(OutputError, match="cannot be written: No such file or directory"),
        output.binary_output(tmp_path / "no" / "o", force=False),
    ):
        pass


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    real, link, dangling = tmp_path / "real", tmp_path / "link", tmp_path / "dangling"
    real.write_text("old", encoding="utf-8")
    link.symlink_to("real")
    dangling.symlink_to(tmp_path / "made")
    for path in (link, dangling):
        with pytest.raises(OutputError, match="exists already"):
            output.check_output(path, force=False)
        with output.binary_output(path, force=True) as stream:
            stream.write(b"new")
        assert path.is_symlink()
        assert path.read_bytes() == b"new"
    assert real.read_bytes() == b"new"


@pytest.mark.parametrize("force", [False, True])
def test_a_pipe_is_written_and_stays(tmp_path: Path, force: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    with output.text_output(args(pipe, force=force)) as stream:
        stream.write("x\n")
    reader.join()
    assert got == [b"x\n"]
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_device_is_written_and_stays(tmp_path: Path) -> None:
    link = tmp_path / "null"
    link.symlink_to("/dev/null")
    for path in (Path("/dev/null"), link):
        with output.text_output(args(path, force=True)) as stream:
            stream.write("x\n")
    assert Path("/dev/null").is_char_device()
    assert link.is_symlink()


def test_a_full_device_is_named() -> None:
    with (
        pytest.raises(OutputError, match=r"^/dev/full: cannot be written: No space"),
        output.text_output(args(Path("/dev/full"))) as stream,
    ):
        stream.write("x" * 100_000)


def test_stdout_by_its_device_name_is_stdout(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with output.text_output(args(Path("/dev/stdout"))) as stream:
        stream.write("text\n")
    with output.binary_output(Path("/dev/stdout"), force=False) as raw:
        raw.write(b"bytes\n")
    assert capfd.readouterr().out == "text\nbytes\n"
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    target = tmp_path / "o"

    def write() -> None:
        with output.binary_output(target, force=True) as stream:
            stream.write(b"ours")
            os.mkfifo(target)  # meanwhile

    with pytest.raises(OutputError, match="is no regular file"):
        write()
    assert list(tmp_path.iterdir()) == [target]
    assert target.is_fifo()


def test_a_name_promises_a_form(tmp_path: Path) -> None:
    output.check_suffix(tmp_path / "a.PNG", ".png")
    output.check_suffix(Path("/dev/null"), ".png")
    with pytest.raises(OutputError, match=r"a\.jpg: is written as \.png"):
        output.check_suffix(tmp_path / "a.jpg", ".png")


def test_warnings_are_one_line_and_quiet_silences_them(capsys: pytest.CaptureFixture[str]) -> None:
    output.warn(argparse.Namespace(quiet=False), "two\nlines")
    output.warn(argparse.Namespace(quiet=True), "nothing")
    captured = capsys.readouterr()
    assert captured.err == "halia: two\\nlines\n"
    assert captured.out == ""


def test_complaints_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.complain("two\nlines")
    assert capsys.readouterr().err == "halia: two\\nlines\n"


def test_tables_set_numbers_to_the_right() -> None:
    text = output.table([("a", 5), ("long\x1b", 123)], ("name", "packets"))
    assert text == "name      packets\na               5\nlong\\x1b      123\n"
    assert output.table([], ("name",)) == "name\n"


def test_a_device_that_is_nowhere_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    asked = argparse.Namespace(device="1.2.3.4")
    assert output.outcome(asked, bad=False, found=True) == 0
    assert capsys.readouterr().err == ""
    assert output.outcome(asked, bad=False, found=False) == 4
    assert output.outcome(asked, bad=True, found=False) == 2
    assert capsys.readouterr().err == "halia: 1.2.3.4: no such device in what was read\n" * 2
    assert output.outcome(argparse.Namespace(device=None), bad=False, found=False) == 0


def test_skipped_files_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    for quiet in (False, True):
        tell = output.skip_warner(argparse.Namespace(quiet=quiet))
        tell(Path("d"), 1)
        tell(Path("d"), 2)
    assert capsys.readouterr().err == (
        "halia: d: 1 file that is no capture skipped\n"
        "halia: d: 2 files that are no captures skipped\n"
    )


@pytest.fixture
def _no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system such as vfat."""

    def refuse(path: Path, target: Path) -> None:
        raise PermissionError(1, f"no links: {path} {target}")

    monkeypatch.setattr(Path, "hardlink_to", refuse)


@pytest.mark.usefixtures("_no_links")
def test_without_links_a_new_file_still_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with output.binary_output(path, force=False) as stream:
        stream.write(b"whole")
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("_no_links")
def test_without_links_a_file_that_appeared_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "x"

    def race() -> None:
        with output.binary_output(path, force=False):
            path.write_bytes(b"theirs")

    with pytest.raises(OutputError, match="has appeared meanwhile"):
        race()
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("_no_links")
def test_without_links_a_failure_leaves_no_empty_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, target: Path) -> None:
        raise OSError(28, f"no space: {path} {target}")

    monkeypatch.setattr(Path, "replace", fail)
    with (
        pytest.raises(OutputError, match="cannot be written"),
        output.binary_output(tmp_path / "x", force=False),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_several_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "deep"
    bad = {folder / "a": b"1", folder / "no" / "b": b"2"}
    with pytest.raises(OutputError, match="cannot be written"):
        output.write_all(folder, bad, force=False)
    assert not folder.exists()
    good = {folder / "a": b"1", folder / "b": b"2"}
    output.write_all(folder, good, force=False)
    assert {path: path.read_bytes() for path in folder.iterdir()} == good
    with pytest.raises(OutputError, match="exists already"):
        output.write_all(folder, {folder / "c": b"3", folder / "a": b"4"}, force=False)
    assert {path: path.read_bytes() for path in folder.iterdir()} == good


def test_two_outputs_are_never_one_file(tmp_path: Path) -> None:
    args = argparse.Namespace(force=True, paths=[tmp_path / "in"])
    with pytest.raises(OutputError, match="two outputs"):
        output.check_outputs(args, tmp_path / "x", tmp_path / "y" / ".." / "x")
    known = output.check_outputs(args, tmp_path / "x", None, Path("-"))
    assert tmp_path / "in" in known
    (tmp_path / "in").touch()
    with pytest.raises(OutputError, match="is an input"):
        output.check_outputs(args, tmp_path / "in")


def test_json_holds_no_infinity() -> None:
    assert output.json_line({"a": 1}) == '{"a": 1}\n'
    with pytest.raises(ValueError, match="Out of range"):
        output.json_line({"a": float("inf")})
