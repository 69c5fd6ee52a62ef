"""`halia doctor`: every prerequisite tested, each by a function of its own, with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.offline.doctor import controller, machine, peers
from plugin.offline.doctor.account import account_of, seen_by
from plugin.offline.doctor.check import Check, State, failed
from plugin.offline.doctor.daemon import control, find_daemon
from plugin.offline.doctor.feed import feed
from plugin.offline.doctor.interface import interface
from plugin.offline.doctor.isolation import isolation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plugin.capture.privileges import Account
    from plugin.offline.doctor.daemon import Daemon
    from plugin.settings import Settings

__all__ = ["Check", "State", "examine"]


def examine(settings: Settings, now: float) -> Iterator[Check]:
    """Test all prerequisites of these settings; nothing is changed, nobody is disturbed.

    Args:
        settings: of the run to come.
        now: what the clock says, seconds since 1970.
    """
    account = account_of(settings)
    daemon = find_daemon(settings.control.socket)
    own: tuple[tuple[str, Callable[[], Check | Iterator[Check]]], ...] = (
        ("core", machine.core),
        ("libraries", lambda: machine.libraries(settings)),
        ("clock", lambda: machine.clock(now)),
        ("user", lambda: machine.user(settings)),
        ("state folder", lambda: machine.state_folder(settings, account)),
        ("models", lambda: machine.models(settings)),
        ("policy", lambda: machine.policy(settings, account)),
        ("control socket", lambda: control(settings, daemon)),
        ("interface", lambda: interface(settings)),
        ("event feed", lambda: _feed(settings, daemon, account)),
        ("faucet page", lambda: controller.page(settings)),
        ("faucet.yaml", lambda: controller.configuration(settings)),
        ("isolation", lambda: isolation(settings)),
        ("faucet checker", lambda: controller.checker(settings)),
        ("probe", lambda: controller.probe(settings, daemon)),
        ("broker", lambda: peers.broker(settings)),
        ("notices", lambda: peers.notices(settings)),
        ("store", lambda: peers.store(settings, account)),
    )
    for name, look in own:
        yield from _seen(name, look)


def _feed(settings: Settings, daemon: Daemon, account: Account) -> Check:
    """The event socket, which the daemon opens when it has become ``run.user``."""
    with seen_by(account):
        return feed(settings, daemon)


def _seen(name: str, look: Callable[[], Check | Iterator[Check]]) -> list[Check]:
    """What a test finds; one that may not look says so, and the others go on."""
    try:
        found = look()
        return [found] if isinstance(found, Check) else list(found)
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        remedy = "run the doctor as root, or have the daemon's user let in there"
        return [failed(name, f"{where}{error.strerror}", remedy)]
