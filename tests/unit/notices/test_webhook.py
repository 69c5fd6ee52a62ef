"""A real receiver: it checks signatures as one would, fails, is slow, sends us elsewhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest

from plugin.errors import SettingsError
from plugin.notices import webhook
from plugin.notices.notice import ChannelError, decision_notice
from plugin.notices.post import Count, Post
from plugin.notices.webhook import Webhook, read_key, sign
from tests import certificates
from tests.cases import AT, step
from tests.rabbit import free_ports

KEY = b"a key of twenty-four bytes, and more"
NOTICE = decision_notice(step())


class Came(NamedTuple):
    """A request as the receiver saw it."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver(http.server.ThreadingHTTPServer):
    """Answers as it is told to, then 204."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.came: list[Came] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.holding = threading.Event()
        self.hold = False
        self.scheme = "http"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}/hooks/halia"

    def handle_error(self, *_: object) -> None:
        """A client that has gone, or refuses our certificate."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.holding.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Answer(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.came.append(Came(self.path, headers, body))
        if self.server.hold:
            self.server.holding.wait(20)
        status, more = self.server.answers.pop(0) if self.server.answers else (204, {})
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()

    do_GET = do_POST  # noqa: N815 - http.server's name; a redirect followed by mistake comes as it

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as one:
        yield one


def hook(receiver: Receiver, ca: Path | None = None) -> Webhook:
    return Webhook(receiver.url, KEY, ca=ca, clock=lambda: AT)


def check(came: Came, key: bytes, now: float) -> dict[str, Any]:
    """What a receiver does by the standard: the signature, and that it is of now."""
    seconds, said = came.headers["webhook-timestamp"], came.headers["webhook-signature"]
    signed = b".".join((came.headers["webhook-id"].encode(), seconds.encode(), came.body))
    right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert hmac.compare_digest(said, f"v1,{right}")
    assert abs(now - int(seconds)) <= 300
    found: dict[str, Any] = json.loads(came.body)
    return found


def test_a_notice_comes_whole_and_signed(receiver: Receiver) -> None:
    hook(receiver).send([NOTICE])
    (came,) = receiver.came
    assert check(came, KEY, AT) == NOTICE.document
    assert came.path == "/hooks/halia"
    assert came.headers["content-type"] == "application/json"
    assert came.headers["user-agent"].startswith("halia/")
    with pytest.raises(AssertionError):
        check(came._replace(body=came.body.replace(b"isolated", b"released")), KEY, AT)
    with pytest.raises(AssertionError):
        check(came, KEY + b"x", AT)


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    key = read_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "x")
    body = b'{"test": 2432232314}'
    signature = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_that_fails_gets_the_same_id_again(receiver: Receiver) -> None:
    receiver.answers = [(500, {}), (503, {"retry-after": "120"})]
    time = [0.0]
    post = Post(hook(receiver), 3600.0, lambda _: None, clock=lambda: time[0], chance=lambda: 1.0)
    post.put(NOTICE)
    assert post.turn() == 1.0
    assert str(post.problem) == f"127.0.0.1:{receiver.server_port} answers 500"
    time[0] += 1.0
    assert post.turn() == 120.0
    time[0] += 120.0
    post.turn()
    assert post.count() == Count(sent=1, waiting=0, lost=0)
    assert str(post.problem) == "None"
    assert {came.headers["webhook-id"] for came in receiver.came} == {NOTICE.id}
    assert len(receiver.came) == 3


@pytest.mark.parametrize(
    ("status", "vain"),
    [(400, True), (413, True), (401, False), (404, False), (429, False), (500, False)],
)
def test_only_what_concerns_the_notice_itself_is_vain(
    receiver: Receiver, status: int, vain: bool
) -> None:
    receiver.answers = [(status, {"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"})]
    with pytest.raises(ChannelError, match=f"answers {status}$") as caught:
        hook(receiver).send([NOTICE])
    assert caught.value.vain is vain
    assert caught.value.after is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    with Receiver() as elsewhere:
        receiver.answers = [(status, {"location": elsewhere.url})]
        with pytest.raises(ChannelError, match="a redirect, which is not followed") as caught:
            hook(receiver).send([NOTICE])
        assert not caught.value.vain
        assert elsewhere.came == []
    assert len(receiver.came) == 1


def test_a_receiver_that_says_nothing_is_not_waited_for(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "ANSWER_SECONDS", 0.05)
    receiver.hold = True
    with pytest.raises(ChannelError, match=r"127\.0\.0\.1:\d+: .*timed out") as caught:
        hook(receiver).send([NOTICE])
    assert not caught.value.vain


def test_who_is_not_there_is_told_in_a_few_words() -> None:
    port = free_ports(1)[0]
    away = Webhook(f"http://127.0.0.1:{port}/secret-path", KEY, ca=None, clock=lambda: AT)
    with pytest.raises(ChannelError) as caught:
        away.send([NOTICE])
    assert str(caught.value) == f"127.0.0.1:{port}: [Errno 111] Connection refused"
    away.close()


def test_what_is_no_name_of_a_host_is_told() -> None:
    wrong = Webhook("https://hook..example/secret-path", KEY, ca=None, clock=lambda: AT)
    with pytest.raises(ChannelError, match=r"^hook\.\.example: is no name of a host$"):
        wrong.send([NOTICE])
    wrong.close()


def test_logins_of_the_machine_are_not_sent_along(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login somebody password hunter2\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    hook(receiver).send([NOTICE])
    assert "authorization" not in receiver.came[0].headers


def test_a_certificate_must_be_the_receivers_and_of_the_authority(
    receiver: Receiver, tmp_path: Path
) -> None:
    authority = certificates.authority(tmp_path / "ours")
    pair = certificates.signed(authority, "hook", "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
    receiver.scheme = "https"
    hook(receiver, authority.cert).send([NOTICE])
    assert check(receiver.came[0], KEY, AT)["number"] == 7
    foreign = certificates.authority(tmp_path / "theirs")
    for ca in (None, foreign.cert):
        with pytest.raises(ChannelError, match=r"certificate verify failed|self-signed|issuer"):
            hook(receiver, ca).send([NOTICE])
    assert len(receiver.came) == 1


def test_a_certificate_of_another_name_is_refused(receiver: Receiver, tmp_path: Path) -> None:
    authority = certificates.authority(tmp_path / "ours")
    pair = certificates.signed(authority, "other", "DNS:other.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
    receiver.scheme = "https"
    with pytest.raises(ChannelError, match=r"not valid for|mismatch"):
        hook(receiver, authority.cert).send([NOTICE])
    assert receiver.came == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("whsec_" + base64.b64encode(KEY).decode(), KEY),
        (KEY.decode(), KEY),
        ("ü" * 12, ("ü" * 12).encode()),
    ],
)
def test_a_key_is_base64_after_its_prefix_or_the_text_itself(text: str, key: bytes) -> None:
    assert read_key(text, "x") == key


@pytest.mark.parametrize("text", ["hunter2", "x" * 23, "whsec_aHVudGVyMg==", "whsec_hunter2!" * 5])
def test_a_key_that_is_none_is_refused_unseen(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_key(text, "notify.webhook_secret_file")
    assert str(caught.value).startswith("notify.webhook_secret_file: ")
    assert text not in str(caught.value)
    assert caught.value.__cause__ is None
