"""``halia faucet``: plans joined with files, Faucet's parser, and the Faucet that runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from plugin.errors import FaucetFileError, PeerError
from plugin.faucet import edits, files
from plugin.faucet.check import find_checker
from plugin.faucet.coverage import Coverage, coverage
from plugin.faucet.edits import digest
from plugin.faucet.hook import INCLUDE, TAIL, Options, render
from plugin.faucet.install import Journal, Plan, Refusal, plan_install, plan_remove
from plugin.faucet.journal import read_journal, write_journal
from plugin.faucet.switches import loose_bridges
from plugin.faucet.transport import read_page
from plugin.faucet.tree import Tree, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plugin.events import LoadedFile
    from plugin.faucet.hook import Layout

JOURNAL = "halia_install.json"
_INCLUDES = (("include", True), ("include-optional", False))


class Place(NamedTuple):
    """Faucet's configuration as it stands on disk."""

    root: Path
    text: str
    included: dict[str, str]
    """The operator's include files, in the order in which Faucet loads them."""
    journal: Journal | None

    @property
    def include(self) -> Path:
        """Our include file."""
        name = self.journal.layout.include if self.journal else INCLUDE
        return self.root.parent / name


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """How the running Faucet is reached."""

    environment: Path | None = None
    """The Python environment with Faucet's checker; None looks for it."""
    pid: int | None = None
    """The Faucet to signal; None looks for the one that reads the file."""
    reload: bool = True
    page: str | None = None
    """Address of its Prometheus page; None asks its environment."""


class Applied(NamedTuple):
    """What came of it."""

    written: bool
    loaded: bool | None
    """Whether Faucet lists the files with our hashes; None: nobody was asked."""


def read_place(config: Path) -> Place:
    """Read faucet.yaml, what it includes, and the journal of our installation.

    Raises:
        FaucetFileError: a file cannot be read, or is no configuration.
    """
    root = files.real_path(config)
    text = files.read_text(root)
    record = root.parent / JOURNAL
    journal = None
    try:
        if record.exists():
            journal = read_journal(files.read_text(record))
        include = journal.layout.include if journal else INCLUDE
        included: dict[str, str] = {}
        _follow(root, text, include, included)
    except UnreadableError as error:
        raise FaucetFileError(str(error), where=str(config)) from error
    return Place(root, text, included, journal)


def _follow(path: Path, text: str, ours: str, found: dict[str, str]) -> None:
    """Read includes as Faucet does: its own after the file, relative to it, ``include`` first."""
    plain = Tree(text).plain
    for key, needed in _INCLUDES:
        names = plain.get(key, [])
        for name in names if isinstance(names, list) else ():
            named = path.parent / str(name)
            other = files.real_path(named)
            if ours in {named.name, other.name} or str(other) in found:
                continue
            if not other.is_file() and not needed:
                continue
            content = files.read_text(other)
            found[str(other)] = content
            _follow(other, content, ours, found)


def installation(place: Place, options: Options, running: Running) -> Plan | Refusal:
    """Plan an installation, with what only the machine shows against it."""
    plan = plan_install(place.text, options, included=place.included, journal=place.journal)
    reasons = list(plan.reasons) if isinstance(plan, Refusal) else []
    faucet = files.find_faucet(place.root)
    if faucet is not None and faucet.reverts and running.pid in {None, faucet.pid}:
        reasons.append(
            "Faucet runs with FAUCET_CONFIG_AUTO_REVERT: it would write its own copy over our file"
        )
    if isinstance(plan, Refusal) or plan.new_text != plan.text:
        try:
            checker_for(place.root, running.environment)
        except PeerError as error:
            reasons.append(f"{error.reason}; {error.advice}")
    reasons += [
        f"bridge {name} runs fail_mode {mode}: without Faucet it would let isolated devices"
        " through; ovs-vsctl set-fail-mode BRIDGE secure"
        for name, mode in loose_bridges(dp_ids(place.text))
    ]
    return Refusal(reasons=tuple(reasons)) if reasons else plan


def checker_for(root: Path, environment: Path | None) -> Path:
    """Find Faucet's checker: as named, on PATH, or beside the Faucet that reads this file.

    Args:
        root: the root faucet.yaml.
        environment: the Python environment that Faucet runs in; None looks for the checker.

    Raises:
        PeerError: it is not there.
    """
    faucet = files.find_faucet(root) if environment is None else None
    return find_checker(environment, () if faucet is None else faucet.folders)


def install(place: Place, plan: Plan, running: Running) -> Applied:
    """Write an installation: our include first, so that the root never names a missing file.

    Raises:
        FaucetFileError: Faucet's parser refuses it, or it cannot be written.
        PeerError: there is no parser, or it does not answer.
    """
    assert plan.journal is not None
    layout = plan.journal.layout
    include = place.root.parent / layout.include
    # What is isolated stays so: a renewal leaves an include that is there as it is.
    kept = _kept(include, layout) if include.exists() and place.journal is not None else None
    ours = kept or render(layout, remediation=plan.journal.remediation)
    writer = _writer(place, running)
    beside = {Path(p): t for p, t in place.included.items()}
    with files.locked(place.root.parent):
        _unchanged(place)
        record = place.root.parent / JOURNAL
        writer.check({**beside, include: ours, place.root: plan.new_text})
        files.write_text(record, write_journal(plan.journal))
        new = {include: ours, place.root: plan.new_text}
        written = writer.write(new, beside)
    if not written or not running.reload:
        return Applied(written, None)
    return Applied(written, _wait(writer, new, place, running))


def _kept(include: Path, layout: Layout) -> str:
    """Read what our include holds, without watches where everything is mirrored now anyway."""
    text = files.read_text(include)
    try:
        acls = Tree(text).plain.get("acls", {})
        tails = [name for name in acls if str(name).startswith(TAIL)]
        if layout.mode == "none" or not tails:
            return text
        return edits.remove(text, [edits.RemoveKey(("acls", name)) for name in tails])
    except (UnreadableError, TypeError):  # not as we left it: the checker judges it
        return text


def apply_files(place: Place, new: dict[Path, str], running: Running) -> Applied:
    """Have our include, or the root file, hold these texts, and have Faucet load them.

    Args:
        place: the files as they were read; a text for another root is refused if he has edited it.
        new: texts by path, in the order in which they are written.
        running: how the running Faucet is reached.

    Raises:
        FaucetFileError: Faucet's parser refuses them, or they cannot be written.
        PeerError: there is no parser, or it does not answer.
    """
    new = {p: t for p, t in new.items() if not p.is_file() or files.read_text(p) != t}
    if not new:
        return Applied(written=False, loaded=None)
    writer = _writer(place, running)
    beside = {place.root: place.text, **{Path(p): t for p, t in place.included.items()}}
    if place.include.is_file():
        beside[place.include] = files.read_text(place.include)
    with files.locked(place.root.parent):
        if place.root in new:
            _unchanged(place)
        written = writer.write(new, beside)
    if not written or not running.reload:
        return Applied(written, None)
    return Applied(written, _wait(writer, new, place, running))


def removal(place: Place) -> Plan | Refusal:
    """Plan to take the hook out; says how many rules end with it."""
    plan = plan_remove(place.text, place.journal)
    ours = files.read_text(place.include) if place.include.is_file() else ""
    rules = ours.count(" cookie: ")
    if isinstance(plan, Refusal) or not rules or plan.new_text == plan.text:
        return plan
    return replace(plan, notes=(*plan.notes, f"{rules} rules on devices end with it"))


def remove(place: Place, plan: Plan, running: Running) -> Applied:
    """Write a removal: the root file first, then our files go.

    Raises:
        FaucetFileError: Faucet's parser refuses the outcome, or it cannot be written.
        PeerError: there is no parser, or it does not answer.
    """
    writer = _writer(place, running)
    beside = {Path(p): t for p, t in place.included.items()}
    new = {place.root: plan.new_text}
    with files.locked(place.root.parent):
        _unchanged(place)
        written = writer.write(new, beside)
    loaded = _wait(writer, new, place, running) if written and running.reload else None
    for path in (place.include, place.root.parent / JOURNAL, place.root.parent / files.LOCK):
        files.delete(path)
    return Applied(written, loaded)


def status(place: Place) -> Coverage:
    """Tell what is installed.

    Raises:
        FaucetFileError: a file is no configuration.
    """
    include = place.include
    ours = files.read_text(include) if include.is_file() else None
    ignored = place.journal.layout.ignored_vlans if place.journal else frozenset()
    try:
        return coverage(place.text, place.included, ours, include.name, ignored)
    except UnreadableError as error:
        raise FaucetFileError(str(error), where=str(place.root)) from error


def _unchanged(place: Place) -> None:
    """Refuse to write over what somebody has written since the plan was shown."""
    if digest(files.read_text(place.root)) != digest(place.text):
        raise FaucetFileError(
            "was changed meanwhile", where=str(place.root), advice="run the command again"
        )


def _writer(place: Place, running: Running) -> files.Writer:
    faucet = files.find_faucet(place.root)
    pid = running.pid if running.pid is not None or faucet is None else faucet.pid
    page = running.page or (faucet.page if faucet is not None else None)

    def loaded() -> Sequence[LoadedFile] | None:
        if page is None:
            return None
        try:
            return read_page(page).files
        except PeerError:  # it is busy with the reload, or has no page: the wait goes on
            return None

    checker = checker_for(place.root, running.environment)
    return files.Writer(checker, place.root, pid=pid if running.reload else None, loaded=loaded)


def _wait(
    writer: files.Writer, new: dict[Path, str], place: Place, running: Running
) -> bool | None:
    if running.page is None and files.find_faucet(place.root) is None:
        writer.reload()
        return None
    return writer.wait_loaded(new)


def faucet_away(place: Place, running: Running) -> str | None:
    """Say that no Faucet runs, or that it does not answer; None: it may be well."""
    faucet = files.find_faucet(place.root)
    if faucet is None and running.pid is None and running.page is None:
        return f"no running Faucet is found that reads {place.root}: start it"
    page = running.page or (faucet.page if faucet is not None else None)
    try:
        if page is not None:
            read_page(page)
    except PeerError as error:
        return f"Faucet does not answer: {error}"
    return None


def lists(place: Place, running: Running) -> bool:
    """Tell whether Faucet says that it has loaded the root file and our include as they stand."""
    faucet = files.find_faucet(place.root)
    page = running.page or (faucet.page if faucet is not None else None)
    try:
        loaded = () if page is None else read_page(page).files or ()
        mine = {
            str(files.real_path(path)): files.file_hash(files.read_text(path))
            for path in (place.root, place.include)
        }
    except (PeerError, FaucetFileError):
        return False
    return mine.items() <= {one.path: one.sha256 for one in loaded}.items()


def dp_ids(text: str) -> set[int]:
    """The datapaths that a faucet.yaml names; none if it is no YAML."""
    return set(dp_names(text))


def dp_names(text: str) -> dict[int, str]:
    """By datapath id, what a faucet.yaml calls its switches; nothing if it is no YAML."""
    try:
        dps = Tree(text).plain.get("dps")
    except UnreadableError:
        return {}
    confs = dps if isinstance(dps, dict) else {}
    ids = ((conf.get("dp_id"), str(name)) for name, conf in confs.items() if isinstance(conf, dict))
    return {one: name for one, name in ids if isinstance(one, int)}
