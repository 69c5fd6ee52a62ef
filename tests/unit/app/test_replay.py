"""Recordings, played by their own clock through the parts of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from plugin.app.replay import Recording, Replay
from plugin.audit.chain import Entry
from plugin.audit.journal import entries
from plugin.errors import CaptureError, OutputError
from tests import attacks
from tests import frames as f
from tests.apps import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[3]
RECORDED = ROOT / "configs" / "recorded"
BEGIN = attacks.START / f.SECOND
DAY = 86_400.0


class Played:
    """What a replay said."""

    def __init__(self, folder: Path, recording: Recording, **flags: Any) -> None:
        self.folder = folder
        self.said: list[Mapping[str, Any]] = []
        self.waits: list[float] = []
        given = {"capture__min_free": 0, **flags}
        found = settings(folder, **given)
        self.replay = Replay(recording, found, self.said.append, self.waits.append)
        self.replay.play()

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        return [one for one in self.said if one["kind"] == kind]

    def entries(self, kind: str) -> list[Entry]:
        found = [one for one in entries(self.folder / "journal") if isinstance(one, Entry)]
        return [one for one in found if one.kind == kind]


def line(number: int, after: float, mac: str = attacks.BAD_TEXT, port: int = 1) -> str:
    learn = {
        "port_no": port, "previous_port_no": None, "vid": 100, "eth_src": mac,
        "eth_dst": "ff:ff:ff:ff:ff:ff", "eth_type": 2048, "l3_src_ip": "10.0.0.66",
        "l3_dst_ip": "10.0.0.1",
    }  # fmt: skip
    head = {"version": 1, "time": BEGIN + after, "dp_id": 1, "dp_name": "sw1", "event_id": number}
    return json.dumps({**head, "L2_LEARN": learn}) + "\n"


def recording(folder: Path, *lines: str, frames: list[f.Frame] | None = None) -> Recording:
    folder.mkdir(parents=True, exist_ok=True)
    events = capture = None
    if lines:
        events = folder / "events.jsonl"
        events.write_text("".join(lines), encoding="utf-8")
    if frames is not None:
        capture = folder / "mirror.pcap"
        capture.write_bytes(f.pcap(*frames))
    return Recording(events, capture)


def test_the_recorded_run_finds_roles_and_the_bad_host(tmp_path: Path) -> None:
    told = json.loads((RECORDED / "run.json").read_text(encoding="utf-8"))
    whole = Recording(RECORDED / "events.jsonl", RECORDED / "mirror.pcap.xz")
    played = Played(tmp_path, whole, capture__rotate_time=30.0)
    hosts = {host["mac"] for host in told["lab"]["hosts"]}
    assert {one["mac"] for one in played.of("capture")} == hosts
    (finding,) = played.of("finding")
    assert finding["mac"] == told["bad"]["mac"]
    assert finding["anomaly"]["behaviour"][0]["name"] == "vertical-scan"
    bad = played.replay.engine.view(told["bad"]["mac"])
    assert bad is not None
    assert (bad.state, bad.dp) == ("suspect", "sw1")
    judged = played.entries("verdict")
    assert len(judged) == len(played.of("capture")) == len(list(tmp_path.rglob("trace_*.pcap")))
    assert {one.body["capture"] for one in judged} == {
        path.name for path in tmp_path.rglob("trace_*.pcap")
    }
    assert told["started"] - 60 < judged[0].time < told["ended"] + 60  # by its own clock


def test_the_same_recording_says_the_same(tmp_path: Path) -> None:
    whole = Recording(RECORDED / "events.jsonl", RECORDED / "mirror.pcap.xz")
    first, again = (
        json.dumps(
            [
                {**one, "source": Path(one["source"]).name} if "source" in one else one
                for one in Played(tmp_path / name, whole, capture__rotate_time=20.0).said
            ]
        )
        for name in ("first", "again")
    )
    assert len(first) > 1000
    assert first == again


POLICY = """\
halia-policy: 1
learning: 0
rules:
  - name: scanners
    match: {behaviours: [horizontal-scan, vertical-scan]}
    action: block
    mode: enforce
    duration: 1h
    grace: 10m
"""


def test_a_recording_is_decided_as_it_would_have_been_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    told = recording(
        tmp_path / "in", line(1, -1), line(2, DAY, "02:00:00:00:00:77", 7),
        frames=attacks.horizontal(),
    )  # fmt: skip
    config = tmp_path / "faucet.yaml"
    config.write_text("no: faucet\n", encoding="utf-8")
    played = [
        Played(tmp_path / name, told, policy__file=tmp_path / "policy.yaml", faucet__config=config)
        for name in ("first", "again")
    ]
    steps = [
        [(one.time, one.actor, one.body) for one in each.entries("decision")] for each in played
    ]
    assert steps[0] == steps[1]
    states = [body["case"]["state"] for _, _, body in steps[0]]
    assert states == ["isolating", "isolated", "releasing", "released", "over"]
    times = [time for time, _, _ in steps[0]]
    assert times[2] - times[0] == pytest.approx(3_600, abs=2)
    assert times[4] - times[0] == pytest.approx(3_600 + 600, abs=4)
    assert [one["state"] for one in played[0].of("decision")] == states
    assert played[0].entries("policy")[0].time == pytest.approx(BEGIN - 1, abs=1)
    assert config.read_text(encoding="utf-8") == "no: faucet\n"
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "again", "faucet.yaml", "first", "in", "policy.yaml",
    ]  # fmt: skip


def test_a_silence_of_days_is_passed_over(tmp_path: Path) -> None:
    much_later = [
        one._replace(time=one.time + int(9 * DAY) * f.SECOND) for one in [attacks.end()[0]]
    ]
    played = Played(
        tmp_path,
        recording(tmp_path / "in", line(1, -DAY), line(2, 12 * DAY, port=2),
                  frames=attacks.horizontal()[:-1] + much_later),
    )  # fmt: skip
    assert len(played.waits) < 200  # and not one for each 0.2 s
    assert played.waits == sorted(played.waits)
    assert played.waits[0] == pytest.approx(BEGIN - DAY)
    assert BEGIN + 12 * DAY <= played.waits[-1] < BEGIN + 12 * DAY + 1
    assert [one["anomaly"]["behaviour"][0]["name"] for one in played.of("finding")] == [
        "horizontal-scan"
    ]
    first = played.entries("verdict")[0]
    assert first.time == pytest.approx(
        BEGIN + 9 * DAY + 100, abs=1
    )  # its file was over long before
    shown = played.replay.engine.view(attacks.BAD_TEXT)
    assert shown is not None
    assert shown.port == 2


def test_events_alone_and_frames_alone_are_enough(tmp_path: Path) -> None:
    events = Played(tmp_path / "1", recording(tmp_path / "1" / "in", line(1, 0)))
    assert [one.body["mac"] for one in events.entries("device")] == [attacks.BAD_TEXT]
    assert events.said == []
    frames = Played(tmp_path / "2", recording(tmp_path / "2" / "in", frames=attacks.horizontal()))
    assert [one["mac"] for one in frames.of("finding")] == [attacks.BAD_TEXT]
    assert attacks.BAD_TEXT in {one["mac"] for one in frames.of("capture")}


def test_torn_and_foreign_lines_are_counted(tmp_path: Path) -> None:
    told = recording(tmp_path / "in", "this is no event\n", line(1, 0), line(2, 1), line(3, 2)[:40])
    played = Played(tmp_path, told)
    assert played.replay.engine.feed.garbage == 2
    assert played.replay.engine.feed.events == 2
    assert min(played.waits) == pytest.approx(BEGIN)  # what has no time has that of what follows


def test_a_time_that_cannot_be_is_not_believed(tmp_path: Path) -> None:
    told = recording(tmp_path / "in", line(1, 0), line(5, 1e300), line(6, 2))
    played = Played(tmp_path, told)
    assert played.of("alarm")[0]["time"] == pytest.approx(BEGIN, abs=1)
    assert played.waits[-1] == pytest.approx(BEGIN + 2, abs=1)


def test_a_gap_in_the_recording_is_an_alarm(tmp_path: Path) -> None:
    played = Played(tmp_path, recording(tmp_path / "in", line(1, 0), line(5, 1)))
    (alarm,) = played.of("alarm")
    assert alarm["alarm"] == "feed_gap"
    assert "no page to ask" in alarm["text"]
    assert alarm["time"] == pytest.approx(BEGIN + 1, abs=1)


@pytest.mark.parametrize("which", ["events", "frames"])
def test_a_recording_that_is_not_there_is_told(tmp_path: Path, which: str) -> None:
    missing = Recording(None, None)._replace(**{which: tmp_path / "none.here"})
    with pytest.raises(CaptureError, match=r"none\.here"):
        Played(tmp_path, missing)


def test_what_is_no_capture_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no capture" * 10)
    with pytest.raises(CaptureError, match=r"notes\.txt"):
        Played(tmp_path / "state", Recording(None, tmp_path / "notes.txt"))


def test_a_file_without_any_event_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("# Halia\n\nno events here\n")
    with pytest.raises(CaptureError, match=r"README\.md: holds no event of Faucet's"):
        Played(tmp_path / "out", Recording(file, None))


def test_a_state_folder_is_used_once(tmp_path: Path) -> None:
    one = recording(tmp_path, line(1, 0))
    Played(tmp_path / "out", one)
    with pytest.raises(OutputError, match="holds a journal already"):
        Played(tmp_path / "out", one)


def day(windows: int) -> list[f.Frame]:
    """Windows of a minute in which a device asks one server; in the last one it asks others."""
    frames = []
    for second in range(60 * windows):
        usual = second < 60 * (windows - 1)
        port, target = (443, f.IP_B) if usual else (6667, attacks.host(second % 3))
        mss = b"\x02\x04\x05\xb4"  # without any option, asking would be suspicious
        frames.append(attacks.asked(second, target, 40_000 + second, port, options=mss))
        frames.append(attacks.told(second + 0.1, target, 40_000 + second, port, f.SYN | f.ACK))
    return frames


def test_a_device_that_changes_is_told_when_its_past_is_known(tmp_path: Path) -> None:
    given = {"capture__rotate_time": 60.0, "change__windows": 4, "change__time": 0.0}
    played = Played(tmp_path, recording(tmp_path, frames=day(7)), **given)
    mine = [one["anomaly"] for one in played.of("capture") if one["mac"] == attacks.BAD_TEXT]
    said = [one["verdict"] for one in mine]
    assert said[-1] == "changed", said
    assert "changed" not in said[:-2]  # the last but one has a second of the change
    assert [one["change"] for one in mine[:4]] == [None] * 4
    assert mine[4]["change"]["score"] < mine[4]["change"]["threshold"]
    assert any("whom it talks to" in one for one in mine[-1]["change"]["reasons"])
    assert (tmp_path / "pasts" / f"{attacks.BAD_TEXT.replace(':', '')}.json").is_file()


def test_a_device_is_not_called_changed_in_its_first_day(tmp_path: Path) -> None:
    given = {"capture__rotate_time": 60.0, "change__windows": 4}
    played = Played(tmp_path, recording(tmp_path, frames=day(7)), **given)
    assert {one["anomaly"]["change"] for one in played.of("capture")} == {None}
