"""Letting isolated devices out without a daemon: on the journal and Faucet's files alone.

The same steps as the daemon's: the journal says that they are let out, Faucet's files are written,
the switches are read, the journal says what they showed. What breaks in between the next start
finishes, for it reads there who is to be let out. The journal's lock is held all the while, so no
daemon can start in between, and none that lives is worked against.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from plugin.audit.journal import Draft, JournalError, JournalHeld
from plugin.control.peer import myself
from plugin.control.service import actor_of
from plugin.errors import DeniedError, FaucetFileError, HaliaError
from plugin.offline.absence import Absence, absence
from plugin.offline.faucet import faucet_away, lists, read_place
from plugin.offline.freeing import ANYWAY, free, isolated
from plugin.offline.trail import DECISION, ENFORCED, Trail, ending, meant
from plugin.policy.cases import HALIA

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from plugin.faucet.probe import Probe
    from plugin.offline.faucet import Place, Running
    from plugin.offline.freeing import Freed
    from plugin.offline.trail import Document

RELEASE = "release"
PROOF_SECONDS = 10.0
"""Given to the next start for what is not proven here."""


class Wish(NamedTuple):
    """What somebody wants."""

    device: str | None
    """MAC address, IP address or name; None: all."""
    reason: str
    """Why, in his words."""
    anyway: bool = False
    """Of all: do it though the journal or our include is damaged."""


class Ways(NamedTuple):
    """Where everything is."""

    config: Path
    """The root faucet.yaml."""
    journal: Path
    running: Running
    probe: Callable[[], Probe] | None
    """Opens the connection to the switches; None: there is none."""
    seconds: float
    """How long the switches are looked at, at most."""
    clock: Callable[[], float]
    """Seconds since 1970-01-01 UTC."""


class Done(NamedTuple):
    """What came of it."""

    macs: tuple[str, ...]
    """Whose isolation was taken out of Faucet's files."""
    cases: int
    """Cases that the journal says were ended."""
    freed: Freed
    absence: Absence
    unnoted: str | None
    """Why the journal has no word of it; None: it has."""
    open: int = 0
    """Cases of which something might have stood: these, and those that were ended before."""


def release(ways: Ways, wish: Wish) -> Done:
    """Let one device out, or all.

    Raises:
        DeniedError: a daemon lives, the journal cannot be had, or the device is not isolated.
        FaucetFileError: Faucet's files are not as they should be, or cannot be written.
        PeerError: Faucet's parser cannot be asked.
    """
    place = read_place(ways.config)
    if place.journal is None:
        raise FaucetFileError(
            "the hook is not installed: nobody is isolated", where=str(place.root)
        )
    _may(ways.journal)
    _may(place.root.parent)
    try:
        trail = Trail(ways.journal)
    except JournalHeld as error:
        raise DeniedError(
            f"{error.reason}: a Halia that lives would isolate them again",
            where=error.where,
            advice="ask it (control.socket, --socket), or end that process first",
        ) from error
    except HaliaError as error:
        return _unnoted(ways, wish, place, error)
    with trail:
        return _release(ways, wish, place, trail)


def _may(folder: Path) -> None:
    """Refuse at once what this user may not do: a journal that is his to read is not damaged.

    Raises:
        DeniedError: the folder is not for him to write.
    """
    if os.geteuid() == 0:
        return
    try:
        folder.stat()
        denied = not os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    except OSError as error:
        denied = isinstance(error, PermissionError)
    if denied:
        raise DeniedError(
            "this user may not write there",
            where=str(folder),
            advice="nothing was done; while no daemon runs give the command as root",
        )


def _release(ways: Ways, wish: Wish, place: Place, trail: Trail) -> Done:
    mac = None if wish.device is None else meant(wish.device, trail.known, isolated(place))
    cases = ending(trail.known, mac)
    actor, now = actor_of(myself()), ways.clock()
    let_out = [_let_out(case, actor, now) for case in cases]
    drafts = [
        _step(case, after, actor, wish.reason)
        for case, after in zip(cases, let_out, strict=True)
        if after is not case
    ]
    try:
        trail.append(drafts)
    except JournalError as error:
        return _unnoted(ways, wish, place, error)
    wanted = None if mac is None else frozenset({mac, *(str(one["mac"]) for one in cases)})
    freed = free(place, ways.running, wanted, anew=wish.anyway)
    cookies = {cookie for cookie, _ in freed.holders} | {int(case["cookie"]) for case in cases}
    seen = _seen(ways, freed, frozenset(cookies - {0}), mac, moves=_moves(cases, freed))
    done = Done(_macs(freed), len(drafts), freed, seen, None, len(cases))
    try:
        trail.append(_ends(ways, wish, done, let_out, actor))
    except JournalError as error:
        return done._replace(unnoted=f"{error}; the next start looks once more")
    return done


def _unnoted(ways: Ways, wish: Wish, place: Place, why: HaliaError) -> Done:
    """Free everybody without a word in the journal, if that is wanted.

    Raises:
        DeniedError: it is not.
    """
    if not wish.anyway or wish.device is not None:
        raise DeniedError(f"what the journal cannot say is not done: {why}", advice=ANYWAY) from why
    freed = free(place, ways.running, None, anew=True)
    seen = _seen(ways, freed, frozenset(cookie for cookie, _ in freed.holders), None, moves=True)
    told = (
        f"{why}; a Halia that starts with this journal isolates them again: give this command once"
        " more when it can be written"
    )
    return Done(_macs(freed), 0, freed, seen, told)


def _seen(
    ways: Ways, freed: Freed, cookies: frozenset[int], mac: str | None, *, moves: bool
) -> Absence:
    """What the switches show, or Faucet says where nobody reads them.

    Args:
        ways: where everything is.
        freed: what was taken out.
        cookies: what must be gone.
        mac: of whom; None: of everybody.
        moves: a port may have been moved for one of them.
    """
    place = read_place(ways.config)
    if ways.probe is not None:
        seen = absence(
            place,
            cookies,
            ways.probe,
            everybody=mac is None,
            seconds=ways.seconds,
            ports=moves or mac is None,
        )
    else:
        applied = freed.applied
        loaded = applied.loaded is True or (not applied.written and lists(place, ways.running))
        said = "Faucet has loaded a file without it" if loaded else "nobody says that it is loaded"
        seen = Absence(loaded, f"not proven: {said}, and no switch is read here (faucet.probe)")
    away = None if seen.gone else faucet_away(place, ways.running)
    return seen if away is None else seen._replace(words=f"{seen.words}; {away}")


def _moves(cases: Sequence[Document], freed: Freed) -> bool:
    return freed.moved or any(case["action"]["kind"] == "revlan" for case in cases)


def _ends(
    ways: Ways, wish: Wish, done: Done, let_out: Sequence[Document], actor: str
) -> list[Draft]:
    """What the journal says at the end: who is out, and what was done to Faucet's files."""
    now = ways.clock()
    gone = [one for one in let_out if one["state"] == "releasing" and done.absence.gone]
    ended = [_step(one, _released(one, now), HALIA, done.absence.words) for one in gone]
    body = {
        "macs": list(done.macs), "all": wish.device is None, "reason": wish.reason,
        "diff": done.freed.diff, "reached": done.absence.words,
    }  # fmt: skip
    return [*ended, Draft(now, RELEASE, actor, body)]


def _let_out(case: Document, actor: str, now: float) -> Document:
    """A case after somebody has ended it; itself, if it is being let out already."""
    if case["state"] in ENFORCED:
        after = {"state": "releasing", "deadline": now + PROOF_SECONDS}
    elif case["state"] == "releasing":
        return case
    else:  # it asked, or waited
        after = {"state": "over", "deadline": None}
    return {**case, **after, "actor": actor, "changed": now}


def _released(case: Document, now: float) -> Document:
    """A case once nothing of it stands: for its grace rules no harder leave it alone."""
    after = {"state": "released", "actor": HALIA, "changed": now, "proof": "none"}
    return {**case, **after, "deadline": now + case["grace"]}


def _step(before: Document, after: Document, actor: str, why: str) -> Draft:
    body = {"case": after, "before": before["state"], "why": why}
    return Draft(after["changed"], DECISION, actor, body)


def _macs(freed: Freed) -> tuple[str, ...]:
    return tuple(sorted({mac for _, mac in freed.holders}))
