"""A small SMTP server for tests, with STARTTLS, TLS and a login, in threads of its own."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from typing import Self

USER, PASSWORD = "halia", "hunter2"


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail at 127.0.0.1.

    Args:
        context: with it STARTTLS is offered; else nothing is encrypted.
        tls: encrypted from the first byte instead.
        login: mail is taken of whom has logged in only.
    """

    def __init__(
        self, context: ssl.SSLContext | None = None, *, tls: bool = False, login: bool = False
    ) -> None:
        self.context, self.tls, self.login = context, tls, login
        self.mails: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.encrypted: list[bool] = []
        self.refuse: dict[str, str] = {}
        """Answers to commands: ``RCPT TO:<a@b>`` or ``.`` for the end of the mail."""
        super().__init__(("127.0.0.1", 0), _Talk)
        self.port: int = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """A client that refuses our certificate goes without a word."""


class _Talk(socketserver.StreamRequestHandler):
    server: MailServer

    def finish(self) -> None:
        super().finish()
        self.connection.close()  # the one that encrypts, if there is one

    def handle(self) -> None:
        self.encrypted = self.known = False
        self.to: list[str] = []
        if self.server.tls:
            self._encrypt()
        self._say("220 test")
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            word, _, rest = line.partition(" ")
            if (refusal := self.server.refuse.get(f"{word.upper()} {rest}")) is not None:
                self._say(refusal)
            elif self._command(line):
                return

    def _command(self, line: str) -> bool:
        word = line.split(" ", maxsplit=1)[0].upper()
        if word == "EHLO":
            offered = self.server.context is not None and not self.encrypted
            lines = ["test", *(["STARTTLS"] if offered else []), "AUTH PLAIN"]
            for number, one in enumerate(lines):
                self._say(f"250{' ' if number == len(lines) - 1 else '-'}{one}")
        elif word == "STARTTLS":
            self._say("220 go on")
            self._encrypt()
        elif word == "AUTH":
            said = base64.b64decode(line.split(" ")[2]).decode()
            self.known = said == f"\0{USER}\0{PASSWORD}"
            self._say("235 welcome" if self.known else "535 who are you?")
        elif word == "DATA":
            self._take()
        elif word == "QUIT":
            self._say("221 bye")
            return True
        else:
            if word == "RCPT":
                self.to.append(line.partition("<")[2].partition(">")[0])
            self._say("530 log in" if self.server.login and not self.known else "250 fine")
        return False

    def _take(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if "." in self.server.refuse:
            self._say(self.server.refuse["."])
            return
        self.server.mails.append(b"".join(lines))
        self.server.recipients.append(self.to)
        self.server.encrypted.append(self.encrypted)
        self._say("250 taken")

    def _encrypt(self) -> None:
        assert self.server.context is not None
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.encrypted = True

    def _say(self, line: str) -> None:
        self.connection.sendall(f"{line}\r\n".encode())
