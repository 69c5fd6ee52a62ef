from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from plugin.core.layout import MAC, SESSION
from plugin.errors import CaptureError
from plugin.offline.read import SessionStream, iter_captures, read_capture, remark, summarise
from tests import frames as f

CAPTURE = (
    Path(__file__).resolve().parents[2] / "data" / "captures" / "HueBridge_Setup-C-12-STA.pcap"
)


@pytest.mark.usefixtures("core")
def test_the_three_ways_to_read_agree() -> None:
    counted = summarise(CAPTURE)
    stream = SessionStream(CAPTURE)
    pieces = [(bytes(records), new) for records, new in stream]
    streamed = b"".join(records for records, _ in pieces)
    whole = read_capture(CAPTURE, packets=True)
    assert counted.totals.packets == len(whole.packets if whole.packets is not None else ()) > 100
    assert counted.totals.sessions == len(whole.sessions) == len(streamed) // SESSION.size
    rows = np.frombuffer(streamed, SESSION.dtype())
    assert (rows[np.argsort(rows["id"])] == whole.sessions).all()
    assert (np.diff(whole.sessions["id"]) == 1).all()
    named = np.frombuffer(b"".join(new for _, new in pieces), MAC.dtype())
    assert named["mac"].tobytes() == whole.macs["mac"].tobytes()
    assert stream.summary is not None
    assert stream.summary.totals == whole.totals._replace()


@pytest.mark.usefixtures("core")
def test_sums_over_sessions_are_the_totals() -> None:
    whole = read_capture(CAPTURE, packets=True)
    assert whole.packets is not None
    in_sessions = whole.packets[whole.packets["session"] >= 0]
    for side, direction in (("orig", 0), ("resp", 1)):
        one_way = in_sessions[in_sessions["direction"] == direction]
        assert whole.sessions[f"{side}_packets"].sum() == len(one_way)
        assert whole.sessions[f"{side}_wire_bytes"].sum() == one_way["wire_len"].sum()
    assert whole.macs["tx_packets"].sum() == len(whole.packets)


@pytest.mark.usefixtures("core")
def test_a_torn_capture_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "torn.pcap"
    path.write_bytes(CAPTURE.read_bytes()[:10_000])
    capture = read_capture(path)
    assert capture.problem is not None
    assert capture.problem.cut_short
    assert capture.totals.packets > 10


@pytest.mark.usefixtures("core")
def test_what_is_no_capture_is_an_error_and_the_rest_go_on(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("hello, world")
    with pytest.raises(CaptureError, match=r"a\.txt.*not a pcap"):
        read_capture(text)
    assert summarise(text).problem is not None
    found = list(iter_captures([text, CAPTURE]))
    assert isinstance(found[0], CaptureError)
    assert not isinstance(found[1], CaptureError)


@pytest.mark.usefixtures("core")
def test_an_empty_capture_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.pcap"
    path.write_bytes(f.pcap())
    capture = read_capture(path, packets=True)
    assert len(capture.sessions) == len(capture.macs) == 0
    assert capture.totals.first_ns is None


@pytest.mark.parametrize(
    "words", ["info X --json", "info X", "sessions X --json", "sessions X --zeek"]
)
def test_counting_and_listing_import_no_numpy(words: str) -> None:
    code = f"""
import sys
from plugin.cli.main import main
code = main({words.replace("X", str(CAPTURE)).split()!r})
heavy = {{"numpy", "scipy", "sklearn", "pandas", "yaml", "logging"}} & set(sys.modules)
sys.exit(code or (repr(heavy) if heavy else 0))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 200


@pytest.mark.parametrize(
    ("linktypes", "packets", "said"),
    [
        (("ethernet",), 0, ""),
        (("ethernet", "netlink"), 5, "x: link type netlink: not decoded"),
        (("frelay", "ieee802.11-radiotap"), 5, "x: link types frelay, ieee802.11-radiotap: not de"),
        ((), 0, "x: is empty: no packets, no link type"),
    ],
)
def test_remarks(linktypes: tuple[str, ...], packets: int, said: str) -> None:
    totals = summarise(CAPTURE).totals._replace(linktypes=linktypes, packets=packets)
    assert remark("x", totals).startswith(said)
    assert bool(remark("x", totals)) == bool(said)


def test_skipped_files_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(CAPTURE.read_bytes())
    for name in ("notes.txt", "empty"):
        (tmp_path / name).write_text("x" * len(name.partition(".")[2]), encoding="utf-8")
    told: list[tuple[Path, int]] = []
    found = list(iter_captures([tmp_path], skipped=lambda *one: told.append(one)))
    assert len(found) == 1
    assert told == [(tmp_path, 2)]


def test_a_bad_path_does_not_keep_the_others_from_being_read(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.pcap").write_bytes(f.pcap(f.udp_frame(1)))
    good = tmp_path / "a.pcap"
    found = list(iter_captures([tmp_path / "empty", good, tmp_path / "nope.pcap", good]))
    assert [isinstance(one, CaptureError) for one in found] == [True, False, True, False]
