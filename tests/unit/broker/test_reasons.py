from __future__ import annotations

import socket
import ssl

import pytest
from pika import exceptions
from pika.adapters.utils.connection_workflow import (
    AMQPConnectionWorkflowFailed,
    AMQPConnectorSocketConnectError,
    AMQPConnectorStackTimeout,
)

from plugin.broker.reasons import reason

REFUSED = ConnectionRefusedError(111, "Connection refused")
WRAPPED = exceptions.AMQPConnectionError(
    AMQPConnectionWorkflowFailed([AMQPConnectorSocketConnectError(REFUSED)])
)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (WRAPPED, "Connection refused"),
        (exceptions.AMQPConnectionError(REFUSED), "Connection refused"),
        (exceptions.AMQPConnectionError(), "AMQPConnectionError"),
        (AMQPConnectorStackTimeout("too slow"), "AMQPConnectorStackTimeout: too slow"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (exceptions.ProbableAuthenticationError("x"), "refuses the user or the password"),
        (exceptions.ProbableAccessDeniedError("x"), "no such virtual host"),
        (exceptions.IncompatibleProtocolError("lost: '[SSL: TLSV13_X] x'"), "TLS fails: TLSV13_X"),
        (exceptions.IncompatibleProtocolError("StreamLostError"), "hung up before any greeting"),
        (exceptions.ConnectionClosedByBroker(320, "CONNECTION_FORCED"), "CONNECTION_FORCED"),
        (exceptions.ChannelClosedByBroker(406, "PRECONDITION_FAILED"), "declared otherwise"),
        (exceptions.ChannelClosedByBroker(403, "ACCESS_REFUSED"), "permissions"),
        (exceptions.ChannelClosedByBroker(404, "NOT_FOUND"), "closed the channel: NOT_FOUND"),
        (exceptions.StreamLostError("lost", ssl.SSLError(1, "[SSL] x")), "StreamLostError"),
        (AMQPConnectorSocketConnectError(ssl.SSLError(1, "odd")), "TLS fails"),
    ],
)
def test_the_innermost_cause_that_we_know_speaks(error: BaseException, words: str) -> None:
    assert words in reason(error)


def test_what_a_broker_says_cannot_move_the_cursor() -> None:
    said = reason(exceptions.ConnectionClosedByBroker(320, "a\x1b[2Jb\nc"))
    assert said.isprintable()
