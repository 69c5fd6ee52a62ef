"""Children, rounds, samples, tables: the bench's arithmetic, with commands that cost nothing."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.child import ContenderFailedError, child_environment, counts_of, run_child
from bench.contenders import Contender
from bench.core import Options, Report, Table, judged_goals, run_core, scaled, wanted_inputs
from bench.inputs import Input, Skipped, default_cache, empty_input, file_digest, sample_of
from bench.merge import merge, readdressed, records
from bench.rounds import Best, best_of, run_rounds
from bench.tables import columns, report_lines, report_object, table_lines
from bench.truth import Truth

PRINTS = (sys.executable, "-c", 'print(\'{"packets": 3, "sessions": 2}\')')


def pcap(path: Path, frames: list[bytes], *, order: str = "<", magic: int = 0xA1B2C3D4) -> Path:
    octets = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65_535, 1)
    for place, frame in enumerate(frames):
        octets += struct.pack(order + "IIII", 100 + place, 5, len(frame), len(frame) + 9) + frame
    path.write_bytes(octets)
    return path


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (b'{"packets": 1, "sessions": 2}\n', (1, 2)),
        (b'{"packets": 1}\nnoise\n{"packets": 5, "sessions": 6}\n', (5, 6)),
        (b'{"sessions": 6}\n', (None, 6)),
        (b"noise\n", (None, None)),
        (b"{broken\n", (None, None)),
    ],
)
def test_counts_are_read_from_the_last_object(output: bytes, expected: tuple[int, int]) -> None:
    assert counts_of(output) == expected


def test_a_child_is_measured() -> None:
    run = run_child(PRINTS)
    assert (run.packets, run.sessions) == (3, 2)
    assert 0 < run.cpu_s < 60
    assert run.rss_mb > 1


def test_a_child_that_fails_says_why() -> None:
    with pytest.raises(ContenderFailedError, match="exit 3: it hurts"):
        run_child(
            [sys.executable, "-c", "import sys; print('it hurts', file=sys.stderr); sys.exit(3)"]
        )
    with pytest.raises(ContenderFailedError, match="no-such-command"):
        run_child(["no-such-command"])


def test_contenders_run_without_a_developers_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    found = child_environment({"HALIA_CORE": "reference"})
    assert "PYTHONDONTWRITEBYTECODE" not in found
    assert found["HALIA_CORE"] == "reference"


def best(name: str = "halia info", cpu: float = 1.0, **more: Any) -> Best:
    values = {"packets": 3, "sessions": 2, "runs": 2, "rss_mb": 50.0} | more
    return Best(name=name, cpu_s=cpu, wall_s=cpu, **values)


def test_the_smallest_time_and_the_largest_memory_count() -> None:
    run = run_child(PRINTS)
    runs = [run._replace(cpu_s=2.0, rss_mb=10.0), run._replace(cpu_s=1.0, rss_mb=20.0)]
    found = best_of("x", runs)
    assert (found.cpu_s, found.rss_mb, found.runs) == (1.0, 20.0, 2)


def test_runs_that_disagree_in_their_counts_are_an_error() -> None:
    run = run_child(PRINTS)
    with pytest.raises(ValueError, match="different"):
        best_of("x", [run, run._replace(sessions=9)])


def test_rounds_are_interleaved_and_limited(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = f"open({str(log)!r}, 'a').write(__import__('sys').argv[1] + ' ')"
    field = [
        Contender(name=name, argv=(sys.executable, "-c", script, name), rounds=rounds)
        for name, rounds in (("a", 0), ("b", 1))
    ]
    field.append(Contender(name="gone", argv=("no-such-command",)))
    source = empty_input(tmp_path)
    rows = run_rounds(field, lambda _: source, 2, source)
    assert log.read_text().split() == ["a"] * 3 + ["b"] * 3 + ["a", "b", "a"]
    assert [row.runs for row in rows] == [2, 1, 0]
    assert rows[2].failed == "missing: no-such-command is not installed"


def test_a_contender_whose_counts_change_has_failed(tmp_path: Path) -> None:
    counts = tmp_path / "counts"
    script = (
        f"p = {str(counts)!r}; open(p, 'a').write('x'); n = len(open(p).read()); "
        "print('{\"packets\": %d}' % n)"
    )
    field = [Contender(name="a", argv=(sys.executable, "-c", script))]
    source = empty_input(tmp_path)
    (found,) = run_rounds(field, lambda _: source, 2, source)
    assert "different numbers" in found.failed


def test_a_sample_is_scaled_but_its_start_is_not() -> None:
    found = scaled(best(cpu=3.0, start_s=1.0), 0.25)
    assert (found.cpu_s, found.scaled) == (9.0, True)


def test_a_sample_is_the_beginning_of_the_file(tmp_path: Path) -> None:
    source = pcap(tmp_path / "all.pcap", [b"a" * 5, b"b" * 6, b"c" * 7])
    found = sample_of(Input("own", source, ""), tmp_path, 2)
    assert [r.octets for r in records(found.path)] == [b"a" * 5, b"b" * 6]
    assert [r.octets for r in records(empty_input(tmp_path).path)] == []


def test_a_digest_tells_files_apart(tmp_path: Path) -> None:
    one, two = (pcap(tmp_path / name, [name.encode()]) for name in ("1", "2"))
    assert file_digest(one) == file_digest(one) != file_digest(two)


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_cache() == Path("/somewhere/halia-bench")


FRAME = bytes(12) + b"\x08\x00" + bytes.fromhex("45000014000000004011000001020304") + bytes(4)


@pytest.mark.parametrize(("order", "magic"), [("<", 0xA1B2C3D4), (">", 0xA1B23C4D)])
def test_records_of_both_byte_orders(tmp_path: Path, order: str, magic: int) -> None:
    (found,) = records(pcap(tmp_path / "f", [FRAME], order=order, magic=magic))
    assert (found.octets, found.wire, found.time // 1_000_000) == (FRAME, len(FRAME) + 9, 100)


def test_a_torn_record_ends_a_file(tmp_path: Path) -> None:
    path = pcap(tmp_path / "f", [FRAME, FRAME])
    path.write_bytes(path.read_bytes()[:-1])
    assert len(list(records(path))) == 1


def test_replicas_have_addresses_of_their_own_and_the_first_keeps_its_own() -> None:
    assert readdressed(FRAME, 0, 9) == FRAME
    addresses = {readdressed(FRAME, replica, 9)[26:34] for replica in range(5)}
    assert len(addresses) == 5


def test_a_merge_is_in_order_of_time_and_repeatable(tmp_path: Path) -> None:
    paths = [pcap(tmp_path / name, [FRAME] * 4) for name in ("one", "two")]
    first, again = tmp_path / "m1", tmp_path / "m2"
    assert merge(first, paths, replicas=3) == 24
    merge(again, paths, replicas=3)
    times = [record.time for record in records(first)]
    assert times == sorted(times)
    assert first.read_bytes() == again.read_bytes()


def table(tmp_path: Path, *rows: Best, refused: tuple[str, ...] = ()) -> Table:
    source = Input("short", pcap(tmp_path / "t.pcap", [FRAME]), "made by hand")
    return Table(source, Truth(3, 2, 3), list(rows), list(refused))


def test_a_peers_differing_count_stands_beside_its_ratio(tmp_path: Path) -> None:
    made = table(tmp_path, best(cpu=2.0), best("nfstream", 50.0, packets=1, sessions=9))
    line = next(line for line in table_lines(made) if line.startswith("nfstream"))
    assert "25.00" in line
    assert "found 1 of 3 packets; 9 sessions instead of 2" in line


def test_a_refused_table_shows_no_ratio(tmp_path: Path) -> None:
    made = table(tmp_path, best(cpu=2.0), best("nfstream", 50.0), refused=("counts differ",))
    text = "\n".join(table_lines(made))
    assert "25.00" not in text
    assert "RATIOS REFUSED: counts differ" in text


def test_a_recorded_figure_is_marked_and_gives_way_to_a_run(tmp_path: Path) -> None:
    lines = table_lines(table(tmp_path, best(), best("nfstream", 50.0)))
    marked = [line.split()[0] for line in lines if "NOT RUN: recorded" in line]
    assert "netml" in marked
    assert "nfstream" not in marked


def test_a_report_says_what_did_not_run_and_fails_on_a_missed_goal(tmp_path: Path) -> None:
    tables = [table(tmp_path, best())]
    report = Report({"cpu": "x"}, tables, [], judged_goals(tables))
    assert {judged.outcome for judged in report.goals} == {"not judged"}
    assert not report.failed
    first = report.goals[0]._replace(outcome="missed")
    assert report._replace(goals=[first]).failed
    assert report._replace(skipped=[Skipped("merge", "no tshark", error=True)]).failed
    assert not report._replace(skipped=[Skipped("merge", "not asked for")]).failed
    assert "cpu x" in report_lines(report)[0]
    assert report_object(report)["machine"] == {"cpu": "x"}


def test_a_named_capture_is_the_only_input(tmp_path: Path) -> None:
    path = pcap(tmp_path / "own.pcap", [])
    options = Options(tmp_path, 1, None, path, quick=False, only=())
    assert list(wanted_inputs(options)) == ["own"]
    assert "merge" in wanted_inputs(options._replace(pcap=None))


def test_columns_are_aligned() -> None:
    rows = [("a", "1.00", ""), ("long", "10.00", "why")]
    assert columns(rows) == ["a      1.00", "long  10.00  why"]


def test_an_input_that_fails_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = "import sys; print('Traceback', file=sys.stderr); import no_such_module"

    def fails(*_: object) -> Truth:
        command = [sys.executable, "-c", script]
        subprocess.run(command, check=True, capture_output=True, text=True)
        raise AssertionError

    monkeypatch.setattr("bench.core.truth_of", fails)
    file = pcap(tmp_path / "x.pcap", [b"a" * 60])
    options = Options(tmp_path, 1, None, file, quick=True, only=())
    (skipped,) = run_core(options).skipped
    assert skipped.error
    assert skipped.reason.endswith("exit 1: ModuleNotFoundError: No module named 'no_such_module'")
    err = capsys.readouterr().err
    assert f"bench: own failed: {skipped.reason}\n" in err
    assert f"bench: inputs and counts are kept in {tmp_path}\n" in err
