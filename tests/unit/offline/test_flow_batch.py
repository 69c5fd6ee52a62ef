from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plugin.errors import InputError, OptionError, OutputError
from plugin.offline.flow_batch import Batch, Place, extract_many
from plugin.offline.flow_learning import Input, Wanted, extract
from plugin.offline.spread import Here, Lost

NAMES = ("zeek_kinit_kdc", "EdnetCam1_Setup-C-2-STA", "zeek_smb3_server", "airprint_printer4")


class _Counting(Here):
    """Counts the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def map(
        self, function: Callable[[Any, Any], Any], tasks: Iterable[Any], shared: Any
    ) -> Iterator[Any]:
        for task in tasks:
            self.calls.append(f"{function.__name__} {task.path.name}")
            yield function(shared, task)


@pytest.fixture
def captures(root: Path) -> list[Path]:
    return [root / "tests/data/captures" / f"{name}.pcap" for name in NAMES]


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(feature="SAMP_SIZE", header=True),
        Wanted(feature="STATS", q=0.5, last="drop"),
        Wanted(feature="SAMP_NUM", sampling=0.5, interval=2.0, fft=True),
    ],
    ids=lambda wanted: wanted.feature,
)
def test_the_same_bits_as_in_one_go(captures: list[Path], tmp_path: Path, wanted: Wanted) -> None:
    given = [Input(path, None, k % 2) for k, path in enumerate(captures)]
    expected = extract(given, wanted)
    batch = extract_many(given, wanted, Place(tmp_path))
    found = batch.extracted()
    assert (found.spec, batch.flows) == (expected.spec, len(expected.features))
    assert found.features.tobytes() == expected.features.tobytes()
    assert np.array_equal(found.labels, expected.labels)  # type: ignore[arg-type]  # there are
    of_rows, of_expected = (
        np.array(one.captures)[one.rows["capture"]] for one in (found, expected)
    )
    assert of_rows.tolist() == of_expected.tolist()


def test_what_is_done_is_not_done_again_unless_it_changed(
    captures: list[Path], tmp_path: Path
) -> None:
    copies = [Path(shutil.copy(path, tmp_path / path.name)) for path in captures[:3]]
    given = [Input(path) for path in copies]

    def run(wanted: Wanted) -> tuple[Batch, list[str]]:
        counting = _Counting()
        return extract_many(given, wanted, Place(tmp_path / "parts", counting)), counting.calls

    first, calls = run(Wanted())
    assert len(calls) == 9
    assert run(Wanted()) == (first, [])
    _, calls = run(Wanted(feature="SIZE"))  # the same flows, other rows
    assert [call.split()[0] for call in calls] == ["rows_of_parts"] * 3
    first.files[0].unlink()
    assert run(Wanted()) == (first, [f"rows_of_parts {copies[0].name}"])
    shutil.copy(captures[3], copies[1])
    _, calls = run(Wanted())
    assert f"whole_flows {copies[1].name}" in calls
    assert f"whole_flows {copies[0].name}" not in calls


def test_a_bad_capture_is_told_and_left_out_and_tried_again(
    captures: list[Path], tmp_path: Path
) -> None:
    bad, gone, torn = tmp_path / "bad.pcap", tmp_path / "gone.pcap", tmp_path / "torn.pcap"
    bad.write_text("no capture")
    torn.write_bytes(captures[0].read_bytes()[:-7])
    given = [Input(path) for path in (bad, captures[2], gone, torn)]
    said: list[str] = []
    batch = extract_many(given, Wanted(), Place(tmp_path / "parts"), warn=said.append)
    assert {path for path, _ in batch.left_out} == {bad, gone}
    assert len(batch.files) == 2
    assert [sum(name.name in line for line in said) for name in (bad, gone, torn)] == [1, 1, 1]
    again: list[str] = []
    assert extract_many(given, Wanted(), Place(tmp_path / "parts"), warn=again.append) == batch
    assert sorted(again) == sorted(said)


def test_a_capture_that_kills_its_worker_is_left_out(captures: list[Path], tmp_path: Path) -> None:
    class Losing(_Counting):
        def map(
            self, function: Callable[[Any, Any], Any], tasks: Iterable[Any], shared: Any
        ) -> Iterator[Any]:
            for task in tasks:
                lost = task.path == captures[1]
                yield Lost("too large") if lost else function(shared, task)

    given = [Input(path) for path in captures[:3]]
    batch = extract_many(given, Wanted(), Place(tmp_path, Losing()))
    assert batch.left_out == ((captures[1], "too large"),)
    assert len(batch.files) == 2


def test_folders_are_searched(captures: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    for path in captures[:2]:
        shutil.copy(path, folder)
    (folder / "README").write_text("no capture")
    batch = extract_many([Input(folder)], Wanted(), Place(tmp_path / "parts"))
    assert sorted(Path(name).name for name in batch.extracted().captures) == sorted(
        path.name for path in captures[:2]
    )


def test_what_gives_nothing_is_one_clear_error(captures: list[Path], tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(captures[0].read_bytes()[:24])
    text = tmp_path / "text"
    text.write_text("no capture")
    labels = tmp_path / "labels.csv"
    labels.write_text(
        "Source IP,Source Port,Destination IP,Destination Port,Protocol,Label\n"
        "10.9.9.9,1,10.9.9.8,2,6,BENIGN\n"
    )
    place = Place(tmp_path / "parts")
    for given, said in (
        ([], "no capture was named"),
        ([Input(Path("-"))], "standard input"),
        ([Input(captures[0], None, 1), Input(captures[2])], "has no labels, and others have"),
        ([Input(text)], "text: "),
        ([Input(empty)], "no TCP or UDP flow of 2 packets"),
        ([Input(captures[2], labels)], "the labels match none of the"),
    ):
        with pytest.raises(InputError, match=said):
            extract_many(given, Wanted(), place)
    for wanted, said in (
        (Wanted(q=0.0), "no quantile"),
        (Wanted(min_packets=1), "no features"),
        (Wanted(timeouts=(0.0, 1.0)), "time-out"),
        (Wanted(feature="IATS"), "did you mean 'IAT'"),
        (Wanted(interval=float("nan")), "no interval"),
        (Wanted(sampling=-1.0), "no sampling"),
    ):
        with pytest.raises(OptionError, match=said):
            extract_many([Input(captures[0])], wanted, place)


def test_a_folder_that_cannot_be_made_is_told_before_the_work(
    captures: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        extract_many([Input(captures[0])], Wanted(), Place(tmp_path / "file"))


def test_labels_are_looked_at_before_captures_and_their_damage_is_told(
    captures: list[Path], tmp_path: Path
) -> None:
    labels = tmp_path / "labels.csv"
    counting = _Counting()
    place = Place(tmp_path / "parts", counting)
    with pytest.raises(InputError, match=r"labels\.csv"):
        extract_many([Input(captures[2], labels)], Wanted(), place)
    assert not counting.calls
    [row] = extract([Input(captures[2])], Wanted(interval=1e6)).rows[:1]
    ends = [str(IPv6Address(bytes(row[name])).ipv4_mapped) for name in ("src_ip", "dst_ip")]
    labels.write_text(
        "Source IP,Source Port,Destination IP,Destination Port,Protocol,Label\n"
        f"{ends[0]},{row['src_port']},{ends[1]},{row['dst_port']},{row['proto']},BENIGN\n"
        "10.0.0.1,port,10.0.0.2,2,6,BENIGN\n"
    )
    said: list[str] = []
    batch = extract_many(
        [Input(captures[2], labels)], Wanted(interval=1e6), place, warn=said.append
    )
    assert batch.flows >= 1
    found = batch.extracted().labels
    assert found is not None
    assert found.tolist() == [0] * batch.flows
    assert said[1:] == ["1 of 2 flows have no label and are left out"]
    assert "labels.csv" in said[0]
