"""The probe's side of the conversation, with a reader that misbehaves."""

from __future__ import annotations

import json
import sys
import textwrap

import pytest

from plugin.errors import PeerError
from plugin.faucet import probe
from plugin.faucet.flows import Query
from tests.unit.faucet.test_flows import COUNTERS, DOCUMENT

READER = """
    import json, sys
    print(json.dumps({{"id": 0}}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        answer = {answer}
        print(json.dumps({{"id": asked["id"], **answer}}), flush=True)
"""


def reader(answer: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(READER.format(answer=answer))]


def test_questions_and_answers() -> None:
    answers = {"flows": [DOCUMENT], "ports": [COUNTERS], "datapaths": [1, 9]}
    with probe.Probe(command=reader(json.dumps(answers).replace("null", "None"))) as one:
        assert one.datapaths() == (1, 9)
        (flow,) = one.flows(Query(1, cookie=7))
        assert flow.outputs == (7,)
        assert [p.port for p in one.ports(1)] == [1]


def test_the_query_is_handed_on_whole() -> None:
    with (
        probe.Probe(command=reader('{"error": json.dumps(asked)}')) as one,
        pytest.raises(PeerError, match='"dp_id": 1, "table": 0, "cookie": null, "mac": "m"'),
    ):
        one.flows(Query(1, table=0, mac="m"))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("print('nonsense')", "does not speak"),
        ("print('[]')", "does not speak"),
        ("pass", "has ended"),
        ('print(\'{"id": 0, "error": "cannot listen"}\')', "cannot listen"),
    ],
)
def test_a_reader_that_does_not_start(code: str, reason: str) -> None:
    with pytest.raises(PeerError, match=reason):
        probe.Probe(command=[sys.executable, "-c", code]).start()


def test_a_reader_that_is_silent_or_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "ANSWER_SECONDS", 0.1)
    silent = "import time; print('{\"id\": 0}', flush=True); time.sleep(60)"
    with probe.Probe(command=[sys.executable, "-c", silent]) as one:
        with pytest.raises(PeerError, match="does not answer"):
            one.datapaths()
        one.close()
        with pytest.raises(PeerError, match="is not running"):
            one.datapaths()


def test_a_reader_that_was_killed_is_away_and_is_put_away() -> None:
    one = probe.Probe(command=reader('{"datapaths": [1]}'))
    one.start()
    assert one.datapaths() == (1,)
    assert one._process is not None
    one._process.kill()
    one._process.wait()
    with pytest.raises(PeerError):
        one.datapaths()
    one.close()  # what could not be asked stands in its pipe still


def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(PeerError, match="cannot be started: No such file"):
        probe.Probe(command=["/nowhere/python"]).start()


def test_an_answer_to_an_older_question_is_dropped() -> None:
    late = '{"datapaths": [1]} if asked["id"] > 1 else {"id": -5}'
    with probe.Probe(command=reader(late)) as one:
        one._number += 1  # the first question went unanswered
        assert one.datapaths() == (1,)


def test_an_answer_that_no_switch_gives() -> None:
    with (
        probe.Probe(command=reader('{"flows": [{}]}')) as one,
        pytest.raises(PeerError, match="no switch says"),
    ):
        one.flows(Query(1))


def test_without_os_ken_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(PeerError, match=r"halia\[sdn\]"):
        probe.Probe().start()
