"""Labels in Zeek's and Suricata's logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from plugin.errors import InputError
from plugin.flows.label_mapping import LabelMapping, parse_mapping
from plugin.flows.labels import match
from plugin.offline.label_logs import read_eve, read_json, read_zeek
from tests.label_flows import Sent, flows

if TYPE_CHECKING:
    from plugin.offline.label_reading import LabelFile

NAMES = "ts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\tconn_state\tlabel\n"
HEAD = "#separator \\x09\n#path\tconn\n#fields\t" + NAMES
ROW = "100.000000\t10.0.0.1\t1000\t10.0.0.2\t80\ttcp\t1.000000\tSF\tBenign\n"
ENDS = ("10.0.0.1:1000", "10.0.0.2:80")
SENT = flows(Sent(*ENDS), Sent(*ENDS[::-1]), Sent(*ENDS, seconds=(200, 201)))


def zeek(text: str, mapping: str = "") -> LabelFile:
    given = parse_mapping(mapping, "m.yaml") if mapping else LabelMapping()
    return read_zeek("conn.log", iter(text.encode().splitlines(keepends=True)), given)


def eve(*events: dict[str, Any] | str) -> LabelFile:
    lines = [e if isinstance(e, str) else json.dumps(e) for e in events]
    return read_eve("eve.json", (f"{line}\n".encode() for line in lines))


def test_a_label_holds_in_both_directions_while_the_connection_lasts() -> None:
    found = zeek(HEAD + ROW)
    assert (found.kind, found.normal, found.labels.total) == ("zeek", 1, 2)
    assert match(SENT, found.labels).tolist() == [0, 0, -1]


def test_a_connection_that_comes_again() -> None:
    second = ROW.replace("100.0", "200.0").replace("Benign", "Malicious")
    assert match(SENT, zeek(HEAD + ROW + second).labels).tolist() == [0, 0, 1]


def test_a_single_packet_has_no_duration() -> None:
    assert match(SENT, zeek(HEAD + ROW.replace("\t1.000000", "\t-")).labels)[0] == 0


def test_what_is_told_of_the_rows() -> None:
    rows = [
        ROW.replace("tcp", "icmp"),
        ROW.replace("Benign", "Unknown"),
        ROW.replace("Benign", "-"),
    ]
    found = zeek(HEAD + "".join(rows) + ROW + "x\n")
    assert (found.others, found.ignored, found.normal, found.damaged) == (1, 2, 1, 1)
    assert found.problems == ("conn.log: line 8: 1 cells, its head has 9",)


def test_zeek_itself_says_nothing_of_what_is_normal() -> None:
    text = (HEAD + ROW).replace("\tlabel", "").replace("\tBenign", "")
    with pytest.raises(InputError, match="no field 'label': Zeek itself does not say"):
        zeek(text)
    assert zeek(text, "every: abnormal").abnormal == 1
    found = zeek(text, "columns: {label: conn_state}\nabnormal: [S0, REJ]")
    assert (found.normal, found.abnormal) == (1, 0)


def test_a_log_that_is_of_no_use_is_not_read_to_its_end() -> None:
    def lines() -> Any:
        yield from (HEAD.replace("label", "x") + ROW).encode().splitlines(keepends=True)
        raise AssertionError("read on")

    with pytest.raises(InputError, match="no field 'label'"):
        read_zeek("conn.log", lines(), LabelMapping())


def test_another_log_of_zeeks() -> None:
    with pytest.raises(InputError) as caught:
        zeek("#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\n1.0\ta\t1\tb\t2\n")
    assert "no field 'proto' (proto); take the conn.log" in str(caught.value)


def test_a_long_name_of_a_field_is_cut_in_the_message() -> None:
    with pytest.raises(InputError) as caught:
        zeek(HEAD + ROW, f"columns: {{src_ip: {'x' * 5_000}}}")
    assert len(str(caught.value)) < 400


def test_a_head_alone() -> None:
    with pytest.raises(InputError, match="it has no rows"):
        zeek(HEAD)


def test_zeeks_json() -> None:
    cells = ROW.strip().split("\t")
    line: dict[str, Any] = dict(zip(NAMES.split(), cells, strict=True))
    line |= {"ts": 100.0, "duration": 1.0, "id.orig_p": 1000, "id.resp_p": 80}
    plain = {k: v for k, v in line.items() if k != "label"}
    # A line may lack what another has.
    found = zeek(f"{json.dumps(plain)}\n{json.dumps(line)}\n")
    assert (found.normal, found.ignored) == (1, 1)
    assert match(SENT, found.labels).tolist() == [0, 0, -1]
    assert match(SENT, zeek(json.dumps(line | {"ts": "1970-01-01T00:01:40Z"})).labels)[0] == 0
    with pytest.raises(InputError, match="no field 'label'"):
        zeek(json.dumps(plain))


def test_other_json_by_a_mapping() -> None:
    line = {"a": {"ip": "10.0.0.1", "port": 1000}, "b": "10.0.0.2", "c": 80, "d": 6, "e": 1}
    names = "{src_ip: a.ip, src_port: a.port, dst_ip: b, dst_port: c, proto: d, label: e}"
    mapping = parse_mapping(f"columns: {names}\nnormal: 0\ndirections: one", "m")
    found = read_json("x", iter([json.dumps(line).encode()]), mapping)
    assert (found.kind, match(SENT, found.labels).tolist()) == ("json", [1, -1, 1])
    with pytest.raises(InputError, match=r"no field 'src_ip' \(src_ip\)"):
        read_json("x", iter([json.dumps(line).encode()]), LabelMapping())


FLOW: dict[str, Any] = {
    "timestamp": "1970-01-01T00:05:00.000000+0000",
    "flow_id": 7,
    "event_type": "flow",
    "src_ip": "10.0.0.1",
    "src_port": 1000,
    "dest_ip": "10.0.0.2",
    "dest_port": 80,
    "proto": "TCP",
    "flow": {
        "start": "1970-01-01T00:01:40.000000+0000",
        "end": "1970-01-01T00:01:41.000000+0000",
        "alerted": False,
    },
}
ALERT = FLOW | {
    "event_type": "alert",
    "timestamp": "1970-01-01T01:01:40.500000+0100",
    "src_ip": "10.0.0.2",
    "src_port": 80,
    "dest_ip": "10.0.0.1",
    "dest_port": 1000,
    "flow": {"start": "1970-01-01T00:01:40.000000+0000"},
}


def test_flows_without_alerts_are_normal() -> None:
    found = eve(FLOW, {"event_type": "stats"}, FLOW | {"proto": "ICMP"})
    assert (found.kind, found.normal, found.abnormal, found.others) == ("eve", 1, 0, 2)
    assert match(SENT, found.labels).tolist() == [0, 0, -1]


def test_flows_with_alerts_are_abnormal() -> None:
    alerted = FLOW | {"flow": {**FLOW["flow"], "alerted": True}}
    assert match(SENT, eve(alerted).labels).tolist() == [1, 1, -1]
    found = eve(ALERT, ALERT, FLOW)
    assert (found.normal, found.abnormal) == (0, 1)
    # Another flow with the number of the one that had the alert.
    assert eve(ALERT, FLOW, FLOW).normal == 1
    assert eve(ALERT | {"flow_id": 8}, FLOW).normal == 1


def test_alerts_alone() -> None:
    found = eve(ALERT, ALERT | {"flow_id": None})
    assert (found.normal, found.abnormal) == (0, 2)
    assert match(SENT, found.labels).tolist() == [1, 1, -1]
    late = ALERT | {"flow": {}, "timestamp": "1970-01-01T00:03:20+0000"}
    assert match(SENT, eve(late).labels).tolist() == [-1, -1, 1]


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        FLOW | {"src_port": 99_999},
        FLOW | {"flow": {"start": "soon"}},
        FLOW | {"src_ip": ["10.0.0.1"]},
        ALERT | {"flow_id": [1], "src_ip": None},
        FLOW | {"flow": {"start": "1970-01-02T00:00:00Z", "end": "1970-01-01T00:00:00Z"}},
    ],
)
def test_damaged_events_are_named(bad: dict[str, Any] | str) -> None:
    found = eve(FLOW, bad)
    assert (found.normal, found.damaged) == (1, 1)
    assert found.problems[0].startswith("eve.json: line 2: ")


def test_no_flows_and_no_alerts() -> None:
    with pytest.raises(InputError, match="2 rows are about something else"):
        eve({"event_type": "stats"}, {"event_type": "dns"})
