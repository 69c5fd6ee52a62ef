from __future__ import annotations

from pathlib import Path

import pytest

from plugin.capture.live import Settings
from plugin.cli import capture as command
from plugin.cli.main import command_parser, main
from plugin.errors import OptionError, OutputError


def settings(*words: str) -> Settings:
    args = command_parser("capture").parse_args(["--iface", "lo", "--out", "x", *words])
    return command._settings(args)


def test_the_standard_settings() -> None:
    s = settings()
    assert (s.opening.names, s.names, s.feed, s.opening.promiscuous) == (0, False, "auto", True)
    assert s.opening.blocks * s.opening.retire_ms >= 3000


def test_options_come_through() -> None:
    s = settings(
        "--names",
        "--ring",
        "8M",
        "--snaplen",
        "256",
        "--plain-socket",
        "--outgoing",
        "--drop-repeats",
        "2",
    )
    o = s.opening
    assert (o.names, o.blocks, o.snaplen, o.outgoing) == (1600, 32, 256, True)
    assert (s.feed, s.names, s.repeat_ns) == ("plain", True, 2_000_000)
    assert not s.stream
    assert settings("--stream", "all.pcap").stream
    args = command_parser("capture").parse_args(
        ["--iface", "lo", "--out", "x", "--rotate-size", "1G", "--max-age", "2d", "--quota", "0"]
    )
    limits = command._limits(args)
    assert (limits.rotate_size, limits.max_age, limits.quota) == (1 << 30, 172_800, 0)


@pytest.mark.parametrize(
    "words",
    [
        ["--iface", "no-such-nic", "--out", "x"],
        ["--iface", "lo"],
        ["--iface", "lo", "--out", "x", "--quota", "5"],
        ["--iface", "lo", "--out", "x", "--ring", "1K"],
        ["--iface", "lo", "--out", "x", "--snaplen", "10"],
        ["--iface", "lo", "--out", "x", "--rotate-size", "1.5X"],
        ["--iface", "lo", "--out", "x", "--max-devices", "0"],
        ["--iface", "lo", "--out", "x", "--user", "root"],
        ["--iface", "lo", "--out", "x", "--user", "no-such-user"],
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_done(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["capture", *words]) == 2
    assert capsys.readouterr().err
    assert not list(tmp_path.rglob("*.pcap*"))


def test_a_folder_with_other_files_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(OutputError, match=r"thesis\.tex.*--force"):
        command._check_folder(tmp_path, force=False)
    command._check_folder(tmp_path, force=True)
    (tmp_path / "thesis.tex").unlink()
    (tmp_path / "trace_0e0000000001_2026-01-01_00_00_00.pcap").write_text("")
    command._check_folder(tmp_path, force=False)


def test_a_quota_too_small_to_work_with_is_refused() -> None:
    args = command_parser("capture").parse_args(
        ["--iface", "lo", "--out", "x", "--device-quota", "64K"]
    )
    with pytest.raises(OptionError, match="--device-quota"):
        command._limits(args)
