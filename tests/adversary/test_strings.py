"""Words of strangers: names, vendors, reasons. They are words everywhere, and nothing but words."""

from __future__ import annotations

import email
import io
import json
import logging
import re
from dataclasses import replace
from email.policy import default
from typing import TYPE_CHECKING

import pytest

from plugin.actions import Action
from plugin.app.messages import decision_sayable, finding_sayable, verdict_sayable
from plugin.audit.chain import Entry
from plugin.audit.journal import Journal, entries, segments
from plugin.cli import audit, case_page, device_page, live
from plugin.cli.main import main
from plugin.engine import commands as do
from plugin.engine import events as ev
from plugin.engine.view import to_document as device_document
from plugin.errors import PolicyError
from plugin.logs import configure
from plugin.ml.behaviour.finding import Finding, Found
from plugin.notices.mail import compose
from plugin.notices.notice import alarm_notice, decision_notice
from plugin.notices.syslog import BYTES_MOST, Sender, local_line, rfc5424_line
from plugin.policy import cases as told
from plugin.policy.decision import decision_document
from plugin.policy.document import read_policy
from plugin.policy.remembered import from_document, to_document
from tests.besieged import ATTACKER, SCAN, Besieged
from tests.playbook import SECOND, START, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from plugin.notices.notice import Notice
    from plugin.policy.cases import Transition
    from plugin.policy.rules import Policy

HOSTILE = {
    "newlines": "x\nBcc: all@example.org\r\n\r\nx\r2026-01-01 halia: all is well",
    "include": 'x"}\n    - {rule: {dl_src: "02:00:00:00:01:01", actions: {allow: 1}}}\n#',
    "json": '","mac":"00:00:00:00:00:00"}\n{"number":1,"x":"',
    "terminal": "\x1b[2J\x1b]0;owned\x07\x1b]8;;http://x\x07\x9b31m\x7f\b\b\b",
    "nul": "a\0b\0",
    "marks": "\u202eexe.yad\u2066\u200b\u200f\ufeff",
    "breaks": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "surrogates": "\udcff\ud800x\udc80",
    "format": "%s%n{0}{mac}${jndi:ldap://x}$(reboot)`reboot`'; DROP TABLE devices; --",
    "long": "A" * 65_536,
    "wide": "\U0001f4a9\u0301" * 20_000,
}
SPEAKER = Sender("host", 7)
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@pytest.fixture(params=list(HOSTILE))
def words(request: pytest.FixtureRequest) -> str:
    return HOSTILE[request.param]


def played(words: str) -> Besieged:
    """A device with such a name is isolated for such reasons; then somebody orders more of it."""
    rule = SCAN % ", reason: placeholder"
    base = read_policy(f"halia-policy: 1\nlearning: 0\nrules: [{rule}]", "policy.yaml")
    rules = replace(base, rules=(replace(base.rules[0], reason=words),))
    one = Besieged(rules).peopled(30)
    one.engine.registry._vendor = lambda _: words
    one.hear(ATTACKER)
    one.wait(100)
    one.tell(ev.Judged("a.pcap", verdict(ATTACKER, end=100), words))
    one.tell(ev.CaptureOpened(ATTACKER, "b.pcap"))
    finding = Finding("horizontal-scan", 9.0, 2.0, (words, words), ())
    one.tell(ev.Behaved(Found(int(one.now * SECOND), ATTACKER, finding)))
    one.order(told.Ordered(ATTACKER, Action(kind="quarantine"), None, words, words))
    one.order(told.Released(ATTACKER, words, words))
    one.order(told.Ordered(ATTACKER, Action(kind="block"), None, words, words))
    return one


def transitions(one: Besieged) -> list[Transition]:
    return [c.transition for c in one.commands if isinstance(c, do.AnnounceDecision)]


def notices(one: Besieged) -> Iterator[Notice]:
    yield from map(decision_notice, transitions(one))
    for alarm in one.commands:
        if isinstance(alarm, do.Alarm):
            yield alarm_notice(one.now, *alarm)


def clean(text: str) -> bool:
    """Nothing in it moves a cursor or turns the writing around."""
    return _CONTROL.search(text) is None


def test_they_never_come_into_the_include(words: str) -> None:
    harmless = played("ann-laptop")
    assert harmless.isolated() == [ATTACKER]
    assert played(words).include == harmless.include


def test_each_entry_of_the_journal_is_one_line_and_reads_back(words: str, tmp_path: Path) -> None:
    one = played(words)
    told_ = [decision_sayable(step, START) for step in transitions(one)]
    findings = [c for c in one.commands if isinstance(c, do.AnnounceFinding)]
    told_ += [finding_sayable(c, START) for c in findings]
    verdicts = [c for c in one.commands if isinstance(c, do.Announce)]
    told_ += [verdict_sayable(c, {}, START) for c in verdicts]
    drafts = [(s.kind, s.actor, s.body) for s in told_]
    drafts += [(c.kind, c.actor, c.body) for c in one.commands if isinstance(c, do.Record)]
    assert len(drafts) > 15
    with Journal(tmp_path) as journal:
        for kind, actor, body in drafts:
            journal.append(time=START, kind=kind, actor=actor, body=body)
    content = b"".join(file.read_bytes() for file in segments(tmp_path))
    assert content.count(b"\n") == len(drafts)
    back = list(entries(tmp_path))
    assert all(isinstance(entry, Entry) for entry in back)
    found = [(e.kind, e.actor, e.body) for e in back if isinstance(e, Entry)]
    assert found == [(k, actor, json.loads(json.dumps(body))) for k, actor, body in drafts]
    for entry in back:
        assert isinstance(entry, Entry)
        line = audit._line(entry, as_json=False)
        assert line.endswith("\n")
        assert clean(line)
        assert line.count("\n") == 1
    with Journal(tmp_path) as journal:  # it goes on after a restart
        journal.append(time=START, kind="started", actor="halia", body={})


def test_messages_are_whole_json_with_keys_of_ours(words: str) -> None:
    one = played(words)
    for step in transitions(one):
        (message,) = decision_sayable(step, START).messages
        assert (message.exchange, message.key) == ("halia", "halia.decision")
        assert re.fullmatch(r"[0-9a-f]{32}", message.message_id)
        assert b"\n" not in message.body
        assert json.loads(message.body)["mac"] == ATTACKER
        assert set(json.loads(message.body)) == set(decision_document(step))


def test_a_case_is_remembered_as_it_was(words: str) -> None:
    for step in transitions(played(words)):
        document = json.loads(json.dumps(to_document(step.case)))
        assert from_document(document) == step.case


_FIELD = r' \w+="(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-f]{4})*"'


def test_a_line_of_syslog_is_one_line_with_fields_of_ours(words: str) -> None:
    for notice in notices(played(words)):
        for form in (rfc5424_line, local_line):
            line = form(notice, 3, SPEAKER)
            assert len(line) <= BYTES_MOST
            text = line.decode("ascii")
            assert clean(text)
            assert "\n" not in text
            head, _, fields = text.partition(f" {notice.kind} ")
            assert "halia" in head
            fields = f" {fields.removeprefix('- ')}"
            assert re.fullmatch(f"(?:{_FIELD})+", fields), fields[:200]
            names = [one[0].strip() for one in re.finditer(_FIELD, fields)]
            names = [one.partition("=")[0] for one in names]
            assert names == [*notice.fields, "text"]


def test_mail_has_the_headers_of_ours_and_no_other(words: str) -> None:
    found = list(notices(played(words)))
    content = bytes(compose(found, "halia@example.org", ["ann@example.org"]))
    mail = email.message_from_bytes(content, policy=default)
    assert sorted(map(str.lower, mail.keys())) == sorted(
        [
            "from", "to", "subject", "date", "message-id", "auto-submitted", "content-type",
            "content-transfer-encoding", "mime-version",
        ]
    )  # fmt: skip
    assert mail["to"] == "ann@example.org"
    assert mail["subject"].startswith("Halia: ")
    assert clean(mail["subject"])
    assert clean(mail.get_content().replace("\r\n", "\n"))
    assert not mail.is_multipart()
    assert max(map(len, content.split(b"\r\n"))) <= 998  # RFC 5322, 2.1.1


def test_a_webhooks_headers_hold_no_word_of_theirs(words: str) -> None:
    for notice in notices(played(words)):
        assert re.fullmatch(r"[0-9a-f]{32}", notice.id)
        body = json.dumps(notice.document, allow_nan=False).encode()
        assert b"\n" not in body
        assert json.loads(body)["mac"] in {ATTACKER, None}


def test_a_terminal_shows_them_as_text(words: str) -> None:
    one = played(words)
    for step in transitions(one):
        document = {**to_document(step.case), "name": words}
        assert clean(case_page.page(document, one.now, width=None, colour=False))
        line = live.told(decision_document(step))
        assert clean(line)
        assert line.count("\n") == 1
    view = one.engine.view(ATTACKER)
    assert view is not None
    shown = device_page.page(device_document(view), one.now, width=None, colour=False)
    assert clean(shown)
    assert "Bcc" not in [line.partition(":")[0] for line in shown.splitlines()]
    for command in one.commands:
        if isinstance(command, do.Alarm):
            about = {"mac": command.mac, "text": command.text}
            line = live.told({"kind": "alarm", "time": START, "alarm": command.kind, **about})
            assert clean(line)
            assert line.count("\n") == 1


@pytest.mark.parametrize("kind", ["text", "json"])
def test_a_line_of_the_log_is_one_line(words: str, kind: str) -> None:
    stream = io.StringIO()
    handler = configure(kind, "info", stream)
    try:
        log = logging.getLogger("halia.adversary")
        log.warning("%s", words, extra={"mac": words, "kind": "x"})
        log.info("dry run: %s", words)
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    text = stream.getvalue()
    assert text.count("\n") == 2
    assert clean(text)


def _tried(text: str) -> tuple[Policy | None, str]:
    try:
        return read_policy(text, "policy.yaml"), ""
    except PolicyError as error:
        return None, str(error)


def test_a_policy_s_own_words_are_refused_or_harmless(words: str) -> None:
    """What a reader of policies lets through is as harmless as anybody's words."""
    for field in ("name", "reason"):
        rule = {
            "name": "r",
            "match": {"behaviours": ["horizontal-scan"]},
            "action": "block",
            "mode": "enforce",
            field: words,
        }
        text = json.dumps({"halia-policy": 1, "learning": "0", "rules": [rule]})
        rules, refused = _tried(text)
        assert clean(refused)
        if rules is None:
            continue
        one = Besieged(rules).peopled(30)
        one.hear(ATTACKER)
        one.scan(ATTACKER)
        assert one.isolated() == [ATTACKER]
        assert words not in one.include
        for step in transitions(one):
            assert clean(live.told(decision_document(step)))


def test_what_others_wrote_into_our_file_is_shown_as_text(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The diff of a repair holds the foreign bytes."""
    body = {"file": words, "diff": f"-{words}\n+a\n", "macs": [ATTACKER]}
    with Journal(tmp_path / "journal") as journal:
        journal.append(time=START, kind="config", actor=words, body=body)
    assert main(["audit", "show", "--diffs", str(tmp_path / "journal")]) == 0
    shown = capsys.readouterr().out
    assert "config" in shown
    assert clean(shown)
