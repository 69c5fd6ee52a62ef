"""Taking isolations out of Faucet's files, and leaving everything else there as it is."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from plugin.actions import COOKIES
from plugin.errors import FaucetFileError
from plugin.faucet import files
from plugin.faucet.hook import render
from plugin.faucet.install import cut, diff
from plugin.faucet.isolate import read
from plugin.faucet.journal import write_journal
from plugin.faucet.moves import moved, undone
from plugin.faucet.thinning import lined, strange, strangers, without
from plugin.faucet.tree import UnreadableError
from plugin.offline.faucet import JOURNAL, apply_files

if TYPE_CHECKING:
    from plugin.actions import Isolation
    from plugin.faucet.install import Journal as Installed
    from plugin.faucet.moves import RevlanRecord
    from plugin.offline.faucet import Applied, Place, Running


ANYWAY = "'halia release --all --anyway' frees everybody all the same"


class Freed(NamedTuple):
    """What was taken out."""

    holders: frozenset[tuple[int, str]]
    """Cookie and MAC of each isolation."""
    diff: str
    """What it changed in Faucet's files."""
    applied: Applied
    moved: bool
    """A port was moved back for it."""


def isolated(place: Place) -> frozenset[str]:
    """MACs of the devices that Faucet's files isolate; nobody where they are no YAML.

    Also whom rules name that somebody else has written there.

    A file that cannot be read isolates nobody: Faucet skips it.
    """
    try:
        found = {mac for _, mac in _holders(_read(place))}
    except (UnreadableError, FaucetFileError):
        found = set()
    with suppress(UnreadableError, FaucetFileError):  # of what is none of ours a release says so
        found |= _strangers(files.read_text(place.include)) if place.include.is_file() else set()
    return frozenset(found | {mac for _, mac in _moved(place.journal)})


def free(
    place: Place, running: Running, wanted: frozenset[str] | None, *, anew: bool = False
) -> Freed:
    """Take isolations out of Faucet's files, and have Faucet load them.

    Args:
        place: the files.
        running: how the running Faucet is reached.
        wanted: MACs; None: of everybody.
        anew: write our include anew where it is not as Halia writes it; watches end with it.

    Raises:
        FaucetFileError: the hook is not installed, the files are not as they should be, or cannot
            be written.
        PeerError: Faucet's parser cannot be asked.
    """
    installed = place.journal
    if installed is None:
        raise FaucetFileError(
            "the hook is not installed: nobody is isolated", where=str(place.root)
        )
    ours, holders = _thinned(place, installed, wanted, anew=anew)
    try:
        root, record = _moved_back(place.text, installed, wanted)
    except UnreadableError as error:
        raise FaucetFileError(str(error), where=str(place.root)) from error
    before = files.read_text(place.include) if place.include.is_file() else ""
    shown = diff(before, ours, place.include.name) + diff(place.text, root, place.root.name)
    applied = apply_files(place, {place.include: ours, place.root: root}, running)
    if record != installed.revlans:
        note = write_journal(installed._replace(revlans=record))
        files.write_text(place.root.parent / JOURNAL, note)
    back = _moved(installed) - _moved(installed._replace(revlans=record))
    return Freed(holders | back, cut(shown), applied, bool(back))


def _strangers(text: str) -> frozenset[str]:
    try:
        return strangers(text)
    except UnreadableError:  # in the form of faucetconfrpc, or not ours at all
        return strangers(lined(text))


def _read(place: Place) -> tuple[Isolation, ...]:
    return read(files.read_text(place.include)) if place.include.is_file() else ()


def _holders(isolations: tuple[Isolation, ...]) -> frozenset[tuple[int, str]]:
    return frozenset((one.cookie, one.mac) for one in isolations)


def _moved(installed: Installed | None) -> frozenset[tuple[int, str]]:
    """Cookie and MAC of the devices whose port is in another VLAN."""
    record = None if installed is None else installed.revlans
    return frozenset(() if record is None else (h for m in record.moves for h in m.holders))


def _thinned(
    place: Place, installed: Installed, wanted: frozenset[str] | None, *, anew: bool
) -> tuple[str, frozenset[tuple[int, str]]]:
    """Our include without some isolations, and whose they were."""
    plain = render(installed.layout, remediation=installed.remediation)
    if not place.include.is_file():
        _no_link(place)
        return plain, frozenset()
    going: list[Isolation] = []
    try:
        text = files.read_text(place.include)
        standing = read(text)
        going = [one for one in standing if wanted is None or one.mac in wanted]
        cookies = COOKIES if wanted is None else frozenset(one.cookie for one in going)
        try:
            new = without(text, cookies)
        except UnreadableError:  # in the form of faucetconfrpc, or not ours at all
            new = without(lined(text), cookies)
        others = strange(new, wanted)  # they may cut somebody off
        if not others and set(read(new)) == set(standing) - set(going):
            return new, _holders(tuple(going))
        reason = "; ".join(others) or "rules of others would go too"
    except UnreadableError as error:
        reason = str(error)
    if wanted is not None or not anew:
        raise FaucetFileError(
            f"not as Halia writes it: {reason}", where=str(place.include), advice=ANYWAY
        )
    _no_link(place)
    return plain, _holders(tuple(going))


def _no_link(place: Place) -> None:
    """Refuse to write to where a link leads that is not to a file of ours."""
    if place.include.is_symlink():
        raise FaucetFileError(
            "is a link to what is not ours: nothing is written there",
            where=str(place.include),
            advice="remove the link, then give the same order again",
        )


def _moved_back(
    text: str, installed: Installed, wanted: frozenset[str] | None
) -> tuple[str, RevlanRecord | None]:
    """The root file with ports in their own VLANs again, and the record of those that are not."""
    record = installed.revlans
    if record is None:
        return text, None
    stay = [
        one._replace(holders=tuple(h for h in one.holders if h[1] not in wanted))
        for one in record.moves
        if wanted is not None
    ]
    stay = [one for one in stay if one.holders]
    if len(stay) == len(record.moves):
        return text, record
    return moved(undone(text, record), stay)
