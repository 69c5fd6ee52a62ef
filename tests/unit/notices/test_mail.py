"""Mail at a real server: encrypted, logged in, gathered, and never a forged header."""

from __future__ import annotations

import email
import email.policy
import ssl
from email.message import EmailMessage
from pathlib import Path

import pytest

from plugin.errors import SettingsError
from plugin.notices.mail import Mail, Server, compose, tls_context
from plugin.notices.notice import ChannelError, alarm_notice, decision_notice
from plugin.settings.secret import Secret
from tests import certificates, mail
from tests.cases import AT, MAC, step
from tests.mail import MailServer
from tests.rabbit import free_ports

SENDER, KIM, LEE = "halia@example.org", "kim@example.org", "lee@example.net"
NOTICE = decision_notice(step())
EVIL = "x\r\nBcc: all@example.org\r\n\r\nforged\n.\nQUIT"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> certificates.Pair:
    return certificates.authority(tmp_path_factory.mktemp("mail") / "ours")


@pytest.fixture(scope="module")
def context(authority: certificates.Pair) -> ssl.SSLContext:
    pair = certificates.signed(authority, "mail", "IP:127.0.0.1")
    one = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    one.load_cert_chain(pair.cert, pair.key)
    return one


def channel(server: MailServer, tls: str = "none", ca: Path | None = None, **login: object) -> Mail:
    trusted = None if tls == "none" else tls_context(ca, "notify.mail_ca")
    password = Secret(str(login["password"])) if login else None
    user = mail.USER if login else None
    to = Server("127.0.0.1", server.port, tls, trusted, user, password)
    return Mail(to, SENDER, (KIM, LEE), 60.0)


def read(content: bytes) -> EmailMessage:
    found = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def text_of(mail: EmailMessage) -> str:
    content: str = mail.get_content()
    return content.replace("\r\n", "\n")


def test_some_notices_are_one_mail() -> None:
    with MailServer() as server:
        channel(server).send([NOTICE, alarm_notice(AT + 61, "caps", None, "nothing more: ü")])
    (content,) = server.mails
    assert server.recipients == [[KIM, LEE]]
    found = read(content)
    assert found["Subject"] == f"Halia: {MAC}: quarantine isolated (case 7) and 1 more"
    assert (found["From"], found["To"]) == (SENDER, f"{KIM}, {LEE}")
    assert found["Date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert found["Message-ID"] == f"<{NOTICE.id}@example.org>"
    assert found["Auto-Submitted"] == "auto-generated"
    text = text_of(found)
    assert f"2023-11-14 22:13:20 UTC  {MAC}: quarantine isolated (case 7)\n" in text
    assert "    place: sw1:3\n" in text
    assert NOTICE.text in text
    assert "2023-11-14 22:14:21 UTC  alarm caps\n    nothing more: ü\n" in text


def test_hostile_names_make_no_header_and_no_other_mail() -> None:
    evil = decision_notice(step(reason=EVIL, rule=EVIL, actor=EVIL, why=EVIL))
    with MailServer() as server:
        channel(server).send([evil._replace(title=f"about {evil.fields['rule']}"), evil])
    (content,) = server.mails
    found = read(content)
    assert found["Bcc"] is None
    assert set(found.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version",
        "Content-Type", "Content-Transfer-Encoding",
    }  # fmt: skip
    assert "x\\r\\nBcc: all@example.org" in text_of(found)
    assert server.recipients == [[KIM, LEE]]


def test_it_is_encrypted_and_logged_in(
    authority: certificates.Pair, context: ssl.SSLContext
) -> None:
    with MailServer(context, login=True) as server:
        channel(server, "starttls", authority.cert, password=mail.PASSWORD).send([NOTICE])
        with pytest.raises(ChannelError, match="answers 535 who are you") as caught:
            channel(server, "starttls", authority.cert, password=mail.PASSWORD[::-1]).send([NOTICE])
        assert not caught.value.vain
    assert server.encrypted == [True]
    with MailServer(context, tls=True) as server:
        channel(server, "tls", authority.cert).send([NOTICE])
    assert server.encrypted == [True]


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_server_of_a_foreign_authority_gets_nothing(context: ssl.SSLContext, tls: str) -> None:
    words = r"self-signed|issuer|unable to get"
    with MailServer(context, tls=tls == "tls") as server, pytest.raises(ChannelError, match=words):
        channel(server, tls, None, password=mail.PASSWORD).send([NOTICE])
    assert server.mails == []


def test_a_server_that_cannot_encrypt_gets_nothing(authority: certificates.Pair) -> None:
    with MailServer() as server:
        with pytest.raises(ChannelError, match="STARTTLS extension not supported") as caught:
            channel(server, "starttls", authority.cert).send([NOTICE])
        assert not caught.value.vain
    assert server.mails == []


def test_what_the_server_says_decides_whether_it_is_tried_again() -> None:
    with MailServer() as server:
        server.refuse = {".": "451 later"}
        with pytest.raises(ChannelError, match="answers 451 later") as caught:
            channel(server).send([NOTICE])
        assert not caught.value.vain
        server.refuse = {".": "552 too long"}
        with pytest.raises(ChannelError, match="answers 552 too long") as caught:
            channel(server).send([NOTICE])
        assert caught.value.vain
        server.refuse = {f"RCPT TO:<{one}>": "450 full" for one in (KIM, LEE)}
        with pytest.raises(ChannelError, match=f"{KIM}: 450 full; {LEE}: 450 full") as caught:
            channel(server).send([NOTICE])
        assert not caught.value.vain
        assert server.mails == []


def test_who_is_refused_alone_is_told_and_the_others_have_it_once() -> None:
    with MailServer() as server:
        server.refuse = {f"RCPT TO:<{LEE}>": "550 nobody here"}
        with pytest.raises(ChannelError, match=f"{LEE}: 550 nobody here") as caught:
            channel(server).send([NOTICE])
        assert caught.value.vain
        assert server.recipients == [[KIM]]


def test_who_is_not_there_is_told() -> None:
    port = free_ports(1)[0]
    one = Mail(Server("127.0.0.1", port, "none", None), SENDER, (KIM,), 60.0)
    with pytest.raises(ChannelError, match=f"^127.0.0.1:{port}: Connection refused$") as caught:
        one.send([NOTICE])
    assert not caught.value.vain
    one.close()


@pytest.mark.parametrize(("user", "password"), [("halia", "gehäim"), ("hälia", "geheim")])
def test_a_login_that_cannot_be_sent_is_told_and_not_shown(user: str, password: str) -> None:
    with MailServer() as server:
        to = Server("127.0.0.1", server.port, "none", None, user, Secret(password))
        with pytest.raises(ChannelError, match="use ASCII") as caught:
            Mail(to, SENDER, (KIM,), 60.0).send([NOTICE])
    assert caught.value.__cause__ is None
    assert password not in str(caught.value)


def test_a_long_title_and_many_notices_are_still_a_mail() -> None:
    found = read(bytes(compose([NOTICE._replace(title="ü" * 500)] * 100, SENDER, (KIM,))))
    assert found["Subject"] == f"Halia: {'ü' * 500} and 99 more"
    assert text_of(found).count("    case: 7\n") == 100


def test_a_file_without_certificates_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("nothing")
    for name, words in (("ca", "no certificate in PEM"), ("absent", "No such file")):
        with pytest.raises(SettingsError, match=f"notify.mail_ca: .*{name}: {words}"):
            tls_context(tmp_path / name, "notify.mail_ca")
