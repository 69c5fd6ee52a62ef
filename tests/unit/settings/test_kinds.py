"""Every kind of value: what it takes, what it refuses, how it looks."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.settings.kinds import (
    KINDS,
    as_plain,
    as_text,
    convert,
)
from plugin.settings.secret import HIDDEN, Secret
from plugin.settings.table import BY_KEY, SETTINGS, Setting


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("capture.iface", "veth0", "veth0"),
        ("run.state", "/srv/halia", Path("/srv/halia")),
        ("run.state", "relative", Path("relative")),
        ("broker.ca", "~/ca.pem", Path.home() / "ca.pem"),
        ("capture.max_devices", "1_000", 1000),
        ("detect.flows", " Printer = printers", "Printer=printers"),
        ("capture.names", "yes", True),
        ("capture.names", "True", True),
        ("broker.republish", "off", False),
        ("broker.republish", "0", False),
        ("capture.rotate_time", "15m", 900.0),
        ("capture.max_age", "0", 0.0),
        ("devices.gone_after", "1.5h", 5400.0),
        ("capture.rotate_size", "100M", 100 << 20),
        ("capture.quota", "0", 0),
        ("mirror.budget", "800M", 800_000_000),
        ("mirror.budget", "64k", 64_000),
        ("run.log", "json", "json"),
        ("faucet.probe", "192.0.2.1:6654", "192.0.2.1:6654"),
        ("metrics.listen", "localhost:0", "localhost:0"),
        ("metrics.listen", "[::1]:9100", "[::1]:9100"),
        ("faucet.page", "https://faucet.example:9302/metrics", ...),
        ("broker.url", "amqp://rabbit", ...),
        ("broker.url", "amqps://[2001:db8::1]:5671/poseidon", ...),
        ("broker.url", "amqp://rabbit:5672/%2Fa", ...),
        ("store.url", "postgresql+psycopg://halia:pw@db/halia", ...),
        ("mirror.ignore_vlans", "4094", 4094),
        ("notify.states", "refused", "refused"),
        ("notify.syslog", "/dev/log", ...),
        ("notify.syslog", "tcp://[::1]:601", ...),
        ("notify.mail_to", "kim+halia@example.org", ...),
        ("notify.mail_from", "root@localhost", ...),
        ("mirror.ignore_ports", "sw1:3", "sw1:3"),
        ("mirror.ignore_ports", "a:b c:012", "a:b c:12"),
    ],
)
def test_what_is_taken(key: str, text: str, value: object) -> None:
    found = convert(BY_KEY[key], text)
    assert found == (text if value is ... else value)
    assert type(found) is not int or not isinstance(value, float | bool)


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("capture.iface", "a\nb", r"a text of one line is expected, not 'a\nb'"),
        ("capture.iface", "", "a text is expected, not an empty text"),
        ("run.state", "a\0b", r"a folder of one line is expected, not 'a\x00b'"),
        ("run.state", "\ud800", r"a folder of one line is expected, not '\ud800'"),
        ("run.state", "~nobody-of-this-name/x", "no such home directory"),
        ("run.state", None, "a folder is expected, not null"),
        ("capture.max_devices", "0", "at least 1 is expected, not 0"),
        ("capture.max_devices", "1048577", "at most 1048576 is expected, not 1048577"),
        ("capture.drop_repeats", "1.5", "a whole number is expected, not '1.5'"),
        ("train.jobs", "9" * 5000, "at most 9223372036854775807 is expected, not 9"),
        ("capture.names", "maybe", "true or false is expected, not 'maybe'"),
        ("capture.names", "", "true or false is expected, not an empty text"),
        ("capture.rotate_time", "15 min", "'15 min' is no time span such as 90s"),
        ("capture.rotate_time", "-1", "'-1' is no time span"),
        ("capture.rotate_time", "9" * 400, "… is longer than any capture".replace("…", "…'")),
        ("mirror.window", "0", "at least 1s is expected, not 0"),
        ("capture.rotate_size", "100 M", "'100 M' is no size such as 4096"),
        ("capture.rotate_size", "9" * 30, "is too large"),
        ("capture.quota", "4096", "at least 1M, or 0, is expected, not 4096"),
        ("capture.ring", "0", "at least 256K is expected, not 0"),
        ("mirror.budget", "fast", "'fast' is no number of bits a second such as 800M"),
        ("mirror.budget", "0", "at least 1 is expected, not 0"),
        ("run.log", "jsn", "no such choice: 'jsn'; did you mean 'json'?"),
        ("run.log", "xml-ish", "no such choice: 'xml-ish'; known: json, text"),
        ("run.log", "", "one of text, json is expected, not an empty text"),
        ("faucet.probe", "192.0.2.1", "HOST:PORT is expected, not '192.0.2.1'"),
        ("faucet.probe", "300.0.0.1:1", "HOST:PORT is expected"),
        ("faucet.probe", "[fe80:1", "HOST:PORT is expected"),
        ("faucet.probe", "[:::]:1", "HOST:PORT is expected"),
        ("faucet.probe", "host:65536", "HOST:PORT is expected"),
        ("faucet.probe", "host:0", "a port from 1 to 65535 is expected, not 0"),
        ("metrics.listen", ":9100", "HOST:PORT is expected, not ':9100'"),
        ("faucet.page", "127.0.0.1:9302", "http://HOST:PORT is expected"),
        ("faucet.page", "http://me:pw@host", "without a user or a password"),
        ("broker.url", "rabbit:5672", "amqp://HOST:PORT/VHOST or amqps://… is expected"),
        ("broker.url", "http://rabbit:5672", "amqp://HOST:PORT/VHOST or amqps://… is expected"),
        ("broker.url", "amqp://", "is expected"),
        ("broker.url", "amqp://rabbit:99999/", "is expected"),
        ("broker.url", "amqp://rabbit/v?heartbeat=1", "is expected"),
        ("broker.url", "amqp://u:hunter2@rabbit/", "and broker.password_file to a file with it"),
        ("store.url", "halia", "SQLAlchemy's URL of a database is expected"),
        ("mirror.ignore_vlans", "4095", "a VLAN's number, 1 to 4094, is expected, not '4095'"),
        ("mirror.ignore_vlans", "office", "a VLAN's number"),
        ("notify.states", "isolate", "no such choice: 'isolate'; did you mean 'isolated'?"),
        ("notify.alarms", None, "one of caps, caps_ok, proof, spoofed"),
        ("notify.syslog", "log:514", "/dev/log, udp://HOST:PORT or tcp://HOST:PORT is expected"),
        ("notify.syslog", "udp://log", "HOST:PORT is expected, not 'log'"),
        ("notify.syslog", "tcp://log:0", "a port from 1 on is expected"),
        ("notify.syslog", "/dev/log\n", "/dev/log, udp://HOST:PORT or tcp://HOST:PORT is expected"),
        ("notify.mail_to", "kim", "an e-mail address is expected, not 'kim'"),
        ("notify.mail_to", "a@b\r\nBcc: c@d", "an e-mail address is expected"),
        ("notify.mail_to", "Kim <kim@example.org>", "an e-mail address is expected"),
        ("notify.mail_from", "a@b@c", "an e-mail address is expected"),
        ("notify.give_up", "1s", "at least 1m is expected, not 1s"),
        ("notify.webhook_url", "https://hook/?token=x", "without ? or #: they are not sent on"),
        ("mirror.ignore_vlans", None, "a list of VLANs' numbers is expected, not null"),
        ("detect.flows", "Printer=", "ROLE=MODEL is expected"),
        ("mirror.ignore_ports", "3", "DP:PORT is expected, such as sw1:3, not '3'"),
        ("mirror.ignore_ports", "sw1:x", "DP:PORT is expected"),
        ("mirror.ignore_ports", ":3", "DP:PORT is expected"),
    ],
)
def test_what_is_refused(key: str, text: str | None, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        convert(BY_KEY[key], text)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("broker.password", "hunter2\nhunter2"),
        ("broker.password", "hunter2\0"),
        ("broker.password", "hunter2\udcff"),
        ("broker.url", "amqp://hunter2"),
        ("broker.url", "amqp://me:hunter2@host/"),
        ("broker.url", "amqp:me:hunter2@host"),
        ("broker.url", "me:hunter2"),
        ("faucet.page", "http://me:hunter2@host"),
        ("store.url", "hunter2"),
    ],
)
def test_no_message_quotes_what_may_be_a_secret(key: str, text: str) -> None:
    try:
        convert(BY_KEY[key], text)
    except ValueError as error:
        said = str(error)
    else:
        said = ""
    assert "hunter2" not in said


def test_a_secret_is_taken_and_not_shown() -> None:
    setting = BY_KEY["broker.password"]
    found = convert(setting, "hunter2 with spaces")
    assert isinstance(found, Secret)
    assert found.reveal() == "hunter2 with spaces"
    assert as_text(setting, found) == as_plain(setting, found) == HIDDEN
    assert as_text(setting, None) == "null"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.key)
def test_a_default_reads_as_it_is_written(setting: Setting) -> None:
    if setting.default is None:
        assert convert(setting, None) is None
    elif setting.is_list:
        assert as_text(setting, setting.default) == f"[{', '.join(map(str, setting.default))}]"
        assert tuple(convert(setting, str(one)) for one in setting.default) == setting.default
    else:
        assert convert(setting, as_text(setting, setting.default)) == setting.default


def test_a_databases_url_is_shown_without_its_password() -> None:
    setting = BY_KEY["store.url"]
    found = convert(setting, "postgresql://halia:hunter2@db/halia")
    shown = "postgresql://halia:***@db/halia"
    assert as_text(setting, found) == as_plain(setting, found) == shown


def test_lists_and_numbers_are_shown() -> None:
    models = ("*=a", "b=c")
    assert as_text(BY_KEY["detect.flows"], models) == '["*=a", "b=c"]'
    ports = ("a:1", "b:2")
    assert as_text(BY_KEY["mirror.ignore_ports"], ports) == "[a:1, b:2]"
    assert as_plain(BY_KEY["mirror.ignore_ports"], ports) == ["a:1", "b:2"]
    assert as_plain(BY_KEY["mirror.ignore_vlans"], (1, 2)) == [1, 2]
    assert as_plain(BY_KEY["capture.rotate_time"], 900.0) == 900.0
    assert as_text(BY_KEY["capture.names"], True) == "true"
    assert as_plain(BY_KEY["run.state"], Path("/a\nb")) == r"/a\nb"


@given(st.sampled_from(SETTINGS), st.text(max_size=40))
def test_any_text_is_taken_or_refused(setting: Setting, text: str) -> None:
    with contextlib.suppress(ValueError):
        value = convert(setting, text)
        assert as_text(setting, (value,) if setting.is_list else value)


def test_every_setting_is_of_a_known_kind() -> None:
    assert {setting.kind for setting in SETTINGS} == set(KINDS)
