"""Files of labels: what a file is, is told by its content."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest

from plugin.addresses import address_text
from plugin.errors import InputError, SettingsError
from plugin.flows.cut import cut, interval
from plugin.offline.flow_labels import must_match, read_labels, read_mapping
from plugin.offline.flows import read_flows
from plugin.offline.read import read_capture
from tests.label_flows import Sent, flows

DATA = Path(__file__).resolve().parents[2] / "data"
PROTO = {6: "tcp", 17: "udp"}
CSV = b"""\
Source IP,Source Port,Destination IP,Destination Port,Protocol,Label
10.0.0.1,1000,10.0.0.2,80,6,BENIGN
"""
NAMES = ("ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "duration", "label")
CELLS = (100.0, "10.0.0.1", 1000, "10.0.0.2", 80, "tcp", 1.0, "benign")
ZEEK = (
    "#separator \\x09\n#fields\t" + "\t".join(NAMES) + "\n" + "\t".join(map(str, CELLS)) + "\n"
).encode()
ZEEK_JSON = json.dumps(dict(zip(NAMES, CELLS, strict=True))).encode() + b"\n"
EVE = (
    b'{"event_type":"stats"}\n'
    b'{"event_type":"flow","flow_id":1,"src_ip":"10.0.0.1","src_port":1000,"dest_ip":"10.0.0.2",'
    b'"dest_port":80,"proto":"TCP","timestamp":"1970-01-01T00:05:00Z",'
    b'"flow":{"start":"1970-01-01T00:01:40Z","end":"1970-01-01T00:01:41Z"}}\n'
)
OTHER = b'{"a":1,"label":"x"}\n'
SENT = flows(Sent("10.0.0.1:1000", "10.0.0.2:80"))


def write(folder: Path, content: bytes) -> Path:
    path = folder / "conn.log.csv.json"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (CSV, "csv"),
        (b"\xef\xbb\xbf" + CSV, "csv"),
        (b"\n" + CSV, "csv"),
        (ZEEK, "zeek"),
        (ZEEK.partition(b"\n")[2], "zeek"),
        (ZEEK_JSON, "zeek"),
        (b'{"torn\n' + ZEEK_JSON, "zeek"),
        (ZEEK_JSON.replace(b"id.orig_", b"id_orig_"), "zeek"),
        (EVE, "eve"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_kinds(content: bytes, kind: str, tmp_path: Path, *, packed: bool) -> None:
    found = read_labels(write(tmp_path, gzip.compress(content, mtime=0) if packed else content))
    assert (found.kind, found.normal, found.abnormal) == (kind, 1, 0)
    assert must_match(SENT, found).tolist() == [0]


def test_suricatas_names_by_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("columns: {label: flow_id}\nnormal: 2\n")
    found = read_labels(write(tmp_path, EVE), mapping=read_mapping(tmp_path / "m.yaml"))
    assert (found.kind, found.abnormal) == ("json", 1)


def test_a_mapping_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("\ncolumn: {}\n")
    with pytest.raises(SettingsError, match=r"m\.yaml:2:1: column: no such field"):
        read_mapping(tmp_path / "m.yaml")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_mapping(tmp_path / "nothing.yaml")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty: no labels"),
        (b" \n\n", "is empty: no labels"),
        (b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00", "is a capture, no file of labels"),
        (b"\x0a\x0d\x0d\x0a\x1c\x00\x00\x00", "is a capture, no file of labels"),
        (OTHER, "no field 'src_ip'"),
        (b"{" * 50, "has no label of a flow: line 1: no JSON"),
        (b'[{"a": 1}]\n', "is a JSON array; JSON lines, one object each, are expected"),
        (gzip.compress(CSV, mtime=0)[:-9], "is packed and damaged"),
    ],
)
def test_what_is_no_file_of_labels(content: bytes, said: str, tmp_path: Path) -> None:
    path = write(tmp_path, content)
    with pytest.raises(InputError) as caught:
        read_labels(path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_labels_that_match_nothing(tmp_path: Path) -> None:
    other = flows(Sent("10.0.0.2:80", "10.0.0.1:1000"))
    with pytest.raises(InputError, match="none of its 1 labels has the addresses and ports of a"):
        must_match(other, read_labels(write(tmp_path, CSV)))
    later = flows(Sent("10.0.0.1:1000", "10.0.0.2:80", (3_700, 3_701)))
    with pytest.raises(InputError, match="of 1 flows, but other times; give the time zone"):
        must_match(later, read_labels(write(tmp_path, ZEEK)))


def test_no_flows_are_no_fault_of_the_labels(tmp_path: Path) -> None:
    assert must_match(flows(), read_labels(write(tmp_path, CSV))).tolist() == []


def test_standard_input_and_progress(tmp_path: Path) -> None:
    seen: list[int] = []
    read_labels(write(tmp_path, CSV), progress=seen.append)
    assert seen == [len(CSV)]


@pytest.mark.parametrize("base", [CSV, ZEEK, ZEEK_JSON, EVE], ids=["csv", "zeek", "json", "eve"])
def test_changed_bytes_end_in_labels_or_in_one_line(base: bytes, tmp_path: Path) -> None:
    chance = random.Random(7)
    for _ in range(40):
        content = bytearray(base * 3)
        for _ in range(chance.randrange(1, 9)):
            content[chance.randrange(len(content))] = chance.choice(b'\t\n#{}[]"\\-,:;0e9\xff\x00')
        del content[chance.randrange(1, len(content) + 1) :]
        try:
            found = read_labels(write(tmp_path, bytes(content)))
        except InputError as error:
            told = str(error)
        else:
            told = ""
            assert set(np.unique(found.labels.values)) <= {0, 1}
            assert found.normal + found.abnormal > 0
        assert "\n" not in told
        assert len(told) < 600


@pytest.mark.parametrize("whole", [False, True], ids=["cut", "whole"])
def test_netmls_own_example_is_labelled_as_netml_does(
    request: pytest.FixtureRequest, *, whole: bool
) -> None:
    """196 parts of flows, of which netml 0.7.1 finds labels for 88: 73 normal, 15 abnormal."""
    folder: Path = request.getfixturevalue("shared_dir") / "data" if whole else DATA
    flows_of = read_flows([DATA / "captures" / "netml_demo.pcap"]).flows
    parts = cut(flows_of, interval(flows_of), last="drop")
    values = must_match(parts, read_labels(folder / "netml" / "demo.csv"))
    assert np.bincount(values + 1).tolist() == [108, 73, 15]


def test_every_flow_is_found_in_the_log_of_its_own_capture(tmp_path: Path) -> None:
    """A conn.log made of our sessions, which are Zeek's: both directions, times in microseconds."""
    path = DATA / "captures" / "netml_demo.pcap"
    lines = []
    for one in read_capture(path).sessions:
        ends = {
            "id.orig_h": address_text(bytes(one["orig_ip"])),
            "id.orig_p": int(one["orig_port"]),
            "id.resp_h": address_text(bytes(one["resp_ip"])),
            "id.resp_p": int(one["resp_port"]),
        }
        ts, duration = int(one["start"]) / 1e9, int(one["end"] - one["start"]) / 1e9
        times = {"ts": round(ts, 6), "duration": round(duration, 6)}
        label = "Benign" if one["id"] % 2 else "Malicious"
        lines.append(
            json.dumps(ends | times | {"proto": PROTO.get(int(one["proto"])), "label": label})
        )
    found = read_labels(write(tmp_path, "\n".join(lines).encode()))
    values = must_match(read_flows([path]).flows, found)
    assert (values >= 0).all()
    assert 0 < values.sum() < len(values)


def test_the_labels_that_stratosphere_gave_to_a_conn_log(shared_dir: Path) -> None:
    name = "test18-malicious-ctu-sme-11-win_zeek-labeled_conn.log.labeled"
    found = read_labels(shared_dir / "data" / "zeek" / "slips" / name)
    assert (found.normal, found.abnormal, found.ignored, found.others) == (39, 719, 3, 5)


def test_argus_flows_by_a_mapping(shared_dir: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "argus.yaml"
    mapping.write_text(ARGUS)
    path = shared_dir / "data" / "flows" / "2016-09-09_win1.binetflow.gz"
    found = read_labels(path, mapping=read_mapping(mapping))
    assert (found.normal, found.abnormal, found.others) == (0, 3_175 + 1_568, 58)
    assert (found.damaged, found.labels.total) == (0, 2 * found.abnormal)


ARGUS = """
columns:
  {src_ip: SrcAddr, dst_ip: DstAddr, src_port: Sport, dst_port: Dport, proto: Proto,
   start: StartTime, duration: Dur}
every: abnormal
directions: both
time: {format: "%Y/%m/%d %H:%M:%S.%f"}
"""
