"""The probe's own process: an OpenFlow 1.3 controller on os-ken that may only read.

It asks each switch for the role SLAVE, in which the switch itself refuses every change and sends
no packets; before that is granted, nothing is answered. Questions come as JSON lines on standard
input, answers go to standard output. os-ken runs on native threads here, without eventlet.

Run by :mod:`plugin.faucet.probe`, as a program: HOST PORT [SWITCH:PORT…]
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
from typing import Any

os.environ["OSKEN_HUB_TYPE"] = "native"

from os_ken import cfg
from os_ken.base.app_manager import AppManager, OSKenApp
from os_ken.controller import ofp_event
from os_ken.controller.handler import DEAD_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.ofproto import ofproto_v1_3

ALL = 0xFFFFFFFF
EVERY_TABLE = 0xFF
EVERY_COOKIE_BIT = 0xFFFFFFFFFFFFFFFF
VID_BITS = 0xFFF
"""OpenFlow sets one bit more to say that there is a tag."""
ANSWER_SECONDS = 4.0


class _Pending:
    """An answer that comes in parts."""

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.error: str | None = None
        self.whole = threading.Event()


class Reader(OSKenApp):  # type: ignore[misc]  # os-ken has no types
    """Keeps the switches that granted the role, and matches answers to questions."""

    OFP_VERSIONS = (ofproto_v1_3.OFP_VERSION,)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.switches: dict[int, Any] = {}
        self._pending: dict[tuple[int, int], _Pending] = {}

    @set_ev_cls(ofp_event.EventOFPStateChange, [MAIN_DISPATCHER, DEAD_DISPATCHER])  # type: ignore[untyped-decorator]  # os-ken
    def on_state(self, event: Any) -> None:
        """Ask a switch that has come to let us read; forget one that has gone."""
        switch = event.datapath
        if event.state == MAIN_DISPATCHER:
            slave = switch.ofproto.OFPCR_ROLE_SLAVE
            switch.send_msg(switch.ofproto_parser.OFPRoleRequest(switch, slave, 0))
        else:
            gone = [dp_id for dp_id, known in self.switches.items() if known is switch]
            for dp_id in gone:
                del self.switches[dp_id]

    @set_ev_cls(ofp_event.EventOFPRoleReply, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]  # os-ken
    def on_role(self, event: Any) -> None:
        """Use a switch from the moment at which it refuses our changes."""
        switch = event.msg.datapath
        if event.msg.role == switch.ofproto.OFPCR_ROLE_SLAVE:
            self.switches[switch.id] = switch

    @set_ev_cls(ofp_event.EventOFPErrorMsg, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]  # os-ken
    def on_error(self, event: Any) -> None:
        """End a question that the switch refuses."""
        message = event.msg
        pending = self._pending.get((message.datapath.id, message.xid))
        if pending is not None:
            pending.error = f"OpenFlow error {message.type}/{message.code}"
            pending.whole.set()

    @set_ev_cls(  # type: ignore[untyped-decorator]  # os-ken
        [ofp_event.EventOFPFlowStatsReply, ofp_event.EventOFPPortStatsReply], MAIN_DISPATCHER
    )
    def on_part(self, event: Any) -> None:
        """Gather the parts of an answer."""
        message = event.msg
        pending = self._pending.get((message.datapath.id, message.xid))
        if pending is not None:
            pending.parts += message.body
            if not message.flags & message.datapath.ofproto.OFPMPF_REPLY_MORE:
                pending.whole.set()

    def ask(self, switch: Any, message: Any) -> list[Any]:
        """Send one question and wait for the whole answer.

        Raises:
            TimeoutError: it did not come.
            ValueError: the switch refused.
        """
        switch.set_xid(message)
        pending = self._pending[switch.id, message.xid] = _Pending()
        try:
            switch.send_msg(message)
            if not pending.whole.wait(ANSWER_SECONDS):
                raise TimeoutError("the switch does not answer")
        finally:
            del self._pending[switch.id, message.xid]
        if pending.error is not None:
            raise ValueError(pending.error)
        return pending.parts

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """Answer one question; ValueError and TimeoutError say why not."""
        if question["ask"] == "datapaths":
            return {"datapaths": sorted(self.switches)}
        switch = self.switches.get(question["dp_id"])
        if switch is None:
            raise ValueError("this datapath is not connected, or has not made us a reader")
        if question["ask"] == "ports":
            request = switch.ofproto_parser.OFPPortStatsRequest(switch, 0, switch.ofproto.OFPP_ANY)
            return {"ports": [_port(p) for p in self.ask(switch, request)]}
        return {"flows": self._flows(switch, question)}

    def _flows(self, switch: Any, question: dict[str, Any]) -> list[dict[str, Any]]:
        parser, mac = switch.ofproto_parser, question.get("mac")
        table, cookie = question.get("table"), question.get("cookie")
        place = {} if question.get("in_port") is None else {"in_port": question["in_port"]}
        ends = [{}] if mac is None else [{"eth_src": mac}, {"eth_dst": mac}]
        found = []
        for end in ends:
            request = parser.OFPFlowStatsRequest(
                switch,
                0,
                EVERY_TABLE if table is None else table,
                ALL,
                ALL,
                cookie or 0,
                0 if cookie is None else EVERY_COOKIE_BIT,
                parser.OFPMatch(**place, **end),
            )
            found += [_flow(one) for one in self.ask(switch, request)]
        return found


def _flow(one: Any) -> dict[str, Any]:
    goto = meter = vid = None
    outputs: list[int] = []
    for step in one.instructions:
        name = type(step).__name__
        if name == "OFPInstructionGotoTable":
            goto = step.table_id
        elif name == "OFPInstructionMeter":
            meter = step.meter_id
        elif name == "OFPInstructionActions":
            outputs += [a.port for a in step.actions if type(a).__name__ == "OFPActionOutput"]
            tags = [a.value for a in step.actions if getattr(a, "key", None) == "vlan_vid"]
            vid = tags[-1] & VID_BITS if tags else vid
    match = {
        field: "/".join(map(str, value)) if isinstance(value, tuple) else value
        for field, value in one.match.items()
    }
    return {
        "table": one.table_id, "priority": one.priority, "cookie": one.cookie, "match": match,
        "packets": one.packet_count, "bytes": one.byte_count,
        "goto": goto, "outputs": outputs, "meter": meter, "vid": vid,
    }  # fmt: skip


def _port(one: Any) -> dict[str, Any]:
    names = ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_dropped", "tx_dropped")
    return {"port": one.port_no, **{name: getattr(one, name) for name in names}}


def start(host: str, port: int, switches: list[str]) -> Reader:
    """Start os-ken with this one app: listen, and dial the switches named."""
    with socket.create_server((host, port)):  # os-ken would fail in a thread of its own
        pass
    words = ["--ofp-tcp-listen-port", str(port), "--ofp-listen-host", host]
    if switches:
        words += ["--ofp-switch-address-list", ",".join(switches)]
    cfg.CONF(args=words, project="os_ken", prog="halia-probe", default_config_files=[])
    apps = AppManager.get_instance()
    apps.load_apps([__name__, "os_ken.controller.ofp_handler"])
    apps.instantiate_apps(**apps.create_contexts())
    found: Reader = next(a for a in apps.applications.values() if type(a).__name__ == "Reader")
    return found


def main() -> None:
    """Answer questions until standard input ends, then end the process."""
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        _serve()
    os._exit(0)  # os-ken's threads never end by themselves


def _serve() -> None:
    host, port, *switches = sys.argv[1:]
    try:
        reader = start(host, int(port), switches)
    except OSError as error:
        print(json.dumps({"id": 0, "error": f"cannot listen: {error.strerror}"}), flush=True)
        return
    print(json.dumps({"id": 0}), flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = reader.answer(question)
        except (ValueError, TimeoutError) as error:
            answer = {"error": str(error)}
        print(json.dumps({"id": question["id"], **answer}), flush=True)
