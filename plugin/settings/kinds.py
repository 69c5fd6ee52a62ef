"""The kinds of values: how each is read from text, and written as text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from plugin.errors import nearest, printable
from plugin.settings import units, urls
from plugin.settings.secret import Secret
from plugin.settings.units import NUMBER_MAX, QUOTED_MAX, quoted
from plugin.settings.urls import TCP_PORT_MAX, split_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.settings.table import Setting

Number = TypeVar("Number", int, float)
VID_MAX = 4094
SWITCH_PORT_MAX = 0xFFFF_FF00
"""OpenFlow's OFPP_MAX: numbers above it name no port of a switch."""
_WORDS = {"true": True, "yes": True, "on": True, "1": True}
_WORDS |= {"false": False, "no": False, "off": False, "0": False}


class Kind(NamedTuple):
    """One kind of values."""

    expected: str
    """What a message asks for."""
    read: Callable[[str, Setting], Any]
    """From a text (ValueError tells what was expected; it never quotes a secret)."""
    shown: Callable[[Any], str] = str
    """As a text that ``read`` takes, or that tells of a secret that there is one.

    Of a list, both are of one item.
    """


def _fits(text: str) -> bool:
    """Whether a text can be a name or a path: one line, no NUL, nothing that cannot be encoded."""
    try:
        return b"\0" not in os.fsencode(text) and len(text.splitlines()) == 1
    except UnicodeEncodeError:
        return False


def _text(text: str, setting: Setting) -> str:
    if not _fits(text):
        raise ValueError(f"a {setting.kind} of one line is expected, not {quoted(text)}")
    return text


def _path(text: str, setting: Setting) -> Path:
    path = Path(_text(text, setting))
    try:
        return path.expanduser() if text.startswith("~") else path
    except RuntimeError as error:
        raise ValueError(f"{quoted(text)}: no such home directory") from error


def _count(text: str, setting: Setting) -> int:
    number = units.whole(text)
    if number is None:
        raise ValueError(f"a whole number is expected, not {quoted(text)}")
    return _bounded(number, setting, text, str)


def _span(text: str, setting: Setting) -> float:
    return _bounded(units.span(text), setting, text, units.span_text)


def _size(text: str, setting: Setting) -> int:
    return _bounded(units.size(text), setting, text, units.size_text)


def _rate(text: str, setting: Setting) -> int:
    return _bounded(units.rate(text), setting, text, units.rate_text)


def _bounded(number: Number, setting: Setting, text: str, shown: Callable[[Any], str]) -> Number:
    """Check a number against the bounds of its setting."""
    most = NUMBER_MAX if setting.most is None else setting.most
    if number > most:
        raise ValueError(f"at most {shown(most)} is expected, not {text[:QUOTED_MAX]}")
    if number < setting.least and (number or not setting.off):
        wanted = f"at least {shown(setting.least)}{', or 0,' if setting.off else ''}"
        raise ValueError(f"{wanted} is expected, not {text[:QUOTED_MAX]}")
    return number


def _flag(text: str, setting: Setting) -> bool:
    del setting
    if text.lower() not in _WORDS:
        raise ValueError(f"true or false is expected, not {quoted(text)}")
    return _WORDS[text.lower()]


def _choice(text: str, setting: Setting) -> str:
    if text not in setting.choices:
        raise ValueError(f"no such choice: {quoted(text)}{nearest(text, set(setting.choices))}")
    return text


def _secret(text: str, setting: Setting) -> Secret:
    del setting
    # Bytes of a variable that are no UTF-8 come as surrogates: a path may hold them, not this.
    if not _fits(text) or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("a text of one line is expected")
    return Secret(text)


def _address(text: str, setting: Setting) -> str:
    _, port = split_address(text)
    if port < setting.least:
        raise ValueError(f"a port from 1 to {TCP_PORT_MAX} is expected, not {port}")
    return text


def _page(text: str, setting: Setting) -> str:
    del setting
    return urls.page_url(text)


def _broker(text: str, setting: Setting) -> str:
    del setting
    return urls.broker_url(text)


def _syslog(text: str, setting: Setting) -> str:
    del setting
    return urls.syslog_place(text)


def _mail(text: str, setting: Setting) -> str:
    del setting
    return urls.mail_address(text)


def _database(text: str, setting: Setting) -> urls.DatabaseUrl:
    del setting
    return urls.database_url(text)


def _vlan(text: str, setting: Setting) -> int:
    del setting
    number = units.whole(text)
    if number is None or not 1 <= number <= VID_MAX:
        raise ValueError(f"a VLAN's number, 1 to {VID_MAX}, is expected, not {quoted(text)}")
    return number


def _port(text: str, setting: Setting) -> str:
    del setting
    dp, _, digits = text.rpartition(":")
    number = units.whole(digits)
    if not dp or not dp.isprintable() or number is None or not 1 <= number <= SWITCH_PORT_MAX:
        raise ValueError(f"DP:PORT is expected, such as sw1:3, not {quoted(text)}")
    return f"{dp}:{number}"


def _flow_model(text: str, setting: Setting) -> str:
    role, _, name = _text(text, setting).partition("=")
    role, name = role.strip(), name.strip()
    if not role or not name:
        raise ValueError(f"ROLE=MODEL is expected, such as Printer=printers, not {quoted(text)}")
    return f"{role}={name}"


def _quoted(value: object) -> str:
    """In quotes, for a list in YAML: a role may be ``*``."""
    return f'"{value}"'


def _flag_text(value: object) -> str:
    return "true" if value else "false"


KINDS = {
    "text": Kind("a text", _text),
    "folder": Kind("a folder", _path),
    "file": Kind("a file", _path),
    "count": Kind("a whole number", _count),
    "bool": Kind("true or false", _flag, _flag_text),
    "span": Kind("a time span such as 90s, 15m, 2h, 1d", _span, units.span_text),
    "size": Kind("a size such as 4096, 64K, 100M, 10G", _size, units.size_text),
    "rate": Kind("a number of bits a second such as 800M, 10G", _rate, units.rate_text),
    "choice": Kind("a text", _choice),
    "secret": Kind("a text", _secret),
    "address": Kind("HOST:PORT", _address),
    "page": Kind("a URL", _page),
    "broker": Kind("a URL", _broker),
    "database": Kind("a URL", _database, urls.hide_password),
    "syslog": Kind("/dev/log, udp://HOST:PORT or tcp://HOST:PORT", _syslog),
    "mail": Kind("an e-mail address", _mail),
    "choices": Kind("a list of texts", _choice),
    "mails": Kind("a list of e-mail addresses", _mail),
    "vlans": Kind("a list of VLANs' numbers", _vlan),
    "ports": Kind("a list of DP:PORT", _port),
    "flow_models": Kind("a list of ROLE=MODEL", _flow_model, _quoted),
}


def expected(setting: Setting) -> str:
    """Say what a setting may be."""
    return (
        f"one of {', '.join(setting.choices)}" if setting.choices else KINDS[setting.kind].expected
    )


def convert(setting: Setting, text: str | None) -> Any:
    """Turn one text of a file or a variable into a value, or into one item of a list.

    Args:
        setting: what it is for.
        text: what stands there; None for YAML's null.

    Raises:
        ValueError: it is none; the message tells what is expected.
    """
    kind = KINDS[setting.kind]
    if text is None and setting.default is None:
        return None
    if not text:
        given = "null" if text is None else "an empty text"
        raise ValueError(f"{expected(setting)} is expected, not {given}")
    return kind.read(text, setting)


def as_text(setting: Setting, value: Any) -> str:
    """Write a value as the settings file has it; of a secret, only that there is one."""
    if value is None:
        return "null"
    kind = KINDS[setting.kind]
    if setting.is_list:
        return f"[{', '.join(map(kind.shown, value))}]"
    return kind.shown(value)


def as_plain(setting: Setting, value: Any) -> object:
    """Give a value as JSON has it: numbers in seconds, bytes and bits a second."""
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, Path):
        return printable(str(value))
    if setting.is_list:
        return list(value)
    return as_text(setting, value)
