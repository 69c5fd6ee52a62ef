"""The one writer of our include: what isolates and what watches, written, loaded and proven.

A thread of its own. The engine says what is wanted (:meth:`Hooking.want`); each turn compares that
with Faucet's files, with what Faucet has loaded and with what the switches hold, does the next step
to bring them together, and reports how far it has come (``ev.Reported``). No step waits for
another: a newer wish is taken up at the next turn, and it wakes the thread.

The beginning, so that a restart frees nobody:

1. The first turn that can read our include reports what isolates there and was not asked for
   (``Report.strangers``), and has the main thread take that report, by asking it something after
   it. Until then nothing is written, whatever was wanted.
2. The engine answers in the same step with :meth:`Hooking.want`; an earlier wish counts as the
   answer if it does not. **Nothing is ever written before the first want().** Until then the
   strangers stand.
3. From then on our include holds what was wanted last and nothing else: a stranger that was not
   adopted is released.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from plugin.actions import Report
from plugin.app.bringing import Bringing
from plugin.app.clock import now as clock_now
from plugin.app.desired import Wish, desired, standing, strangers, that_matter
from plugin.app.looking import Looking, installation
from plugin.app.moving import moves_ports
from plugin.app.planning import Planning
from plugin.app.portkinds import ports
from plugin.app.progress import Progress, Stage
from plugin.app.proving import PORT_TABLE, Probed, Proving
from plugin.app.ways import Shown, dry
from plugin.app.written import kept
from plugin.engine import events as ev
from plugin.errors import FaucetFileError
from plugin.faucet.hook import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from plugin.actions import Isolation
    from plugin.app.desired import Desired
    from plugin.app.inbox import Inbox
    from plugin.app.looking import Looked
    from plugin.app.planning import Planned
    from plugin.app.ways import Ways
    from plugin.events import LoadedFile
    from plugin.faucet.coverage import Coverage
    from plugin.faucet.hook import Stages
    from plugin.faucet.mirror import MirrorPlan, MirrorSettings
    from plugin.faucet.reach import Spot
    from plugin.offline.faucet import Place

    _Key = tuple[Wish, Place, Stages, tuple[Spot, ...]]

TURN_SECONDS = 5.0
FAST_SECONDS = 0.1
"""Between turns while Faucet is awaited."""
SOON_SECONDS = 0.3
"""Between turns while something else is not as it must be."""
FAST_UNTIL = 3.0
"""Seconds after a change in which Faucet usually loads a file."""
PROVE_SECONDS = 1.0
"""Between two looks at the switches while something is isolated."""
RELOAD_SECONDS = 3.0
"""After a write: in this time the rules may be out of the switch, for Faucet puts them in anew."""
AGAIN_SECONDS = 1.0
"""Before files that could not be read are read again."""
LOOK_SECONDS = 0.25
"""Between two looks at the times of Faucet's files."""
EASE, EASE_WAITING = 9.0, 0.5
"""Seconds of rest for each second of reading back: thousands of flows take a while."""
_ANSWER_SECONDS = 10.0
_NOT_INSTALLED = "the hook is not installed: nothing is mirrored; see 'halia faucet install'"


class Hooking:
    """Writes our include.

    Args:
        ways: How Faucet and its switches are reached.
        settings: What the operator decides about the mirror; asked at each plan.
        inbox: Where findings and reports go, and by which the main thread is asked.
        spots: Where all devices are; called in the main thread.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        ways: Ways,
        settings: Callable[[], MirrorSettings],
        inbox: Inbox,
        spots: Callable[[], list[Spot]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inbox, self._spots, self._clock = inbox, spots, clock
        self._looking = Looking(ways.config)
        self._proving = Proving(ways.probe, self._clock)
        self._planning = Planning(settings, self._proving, self._clock)
        self._bringing = Bringing(ways.config, ways.environment, ways.adapter, self._clock)
        self._wake = threading.Event()
        self._wish: Wish | None = None
        """Set by the main thread, in one piece."""
        self._news = False
        """Faucet has told of a load."""
        self._looked: Looked | None = None
        """The last that could be read."""
        self._found: Coverage | None = None
        """What of the hook was told last."""
        self._handed_over = False
        self._planned: Planned | None = None
        self._planned_for: tuple[object, ...] = ()
        self._plan_at = 0.0
        self._there: tuple[Spot, ...] = ()
        """Where devices were at the last plan."""
        self._desired: tuple[_Key, Desired] | None = None
        self._standing: Mapping[int, Isolation] = {}
        """What our include isolates now, by cookie."""
        self._progress = Progress()
        self._unproven: tuple[str, ...] = ()
        """What is wrong with the watches at the switches."""
        self._reported = Report()
        self._noticed = frozenset[str]()
        """What was told of moved ports."""
        self._changed_at, self._awaiting, self._failed, self._took = 0.0, False, False, 0.0
        self.plan: MirrorPlan | None = None
        """The last one."""
        self.shown: Shown | None = None
        """How it stands; None: nothing is looked after."""

    @property
    def probed(self) -> Probed:
        """How the switches are read back; its problem may be that nobody does who should."""
        found = self._proving.probed
        return found._replace(problem=self._planning.problem or found.problem)

    def want(
        self,
        isolations: tuple[Isolation, ...],
        watched: frozenset[str],
        leaving: frozenset[int] = frozenset(),
    ) -> None:
        """Say what is to stand from now on; from the main thread, which never waits for it.

        Args:
            isolations: All of them, each with a cookie of its own; those left out are released.
            watched: MACs of devices whose traffic must be mirrored.
            leaving: Cookies of what must be gone, whether or not it was ever wanted here.
        """
        self._wish = Wish(tuple(isolations), frozenset(watched), leaving)
        self._wake.set()

    def heard(self, loaded: Sequence[LoadedFile]) -> None:
        """Take what Faucet's event lists as loaded; from any thread."""
        self._bringing.heard(loaded)
        self._news = True
        self._wake.set()

    def run(self, stopping: threading.Event) -> None:
        """Look after it until stopped."""
        adapter = self._bringing.adapter
        self._show(adapter=adapter.name, takes=adapter.takes)
        try:
            while not stopping.is_set():
                self._wake.clear()
                self._turn()
                self._bringing.ready()
                self._proving.ready()
                self._rest(stopping)
        finally:
            self.close()
            self._proving.close()

    def close(self) -> None:
        """End a check that is under way; from any thread."""
        self._bringing.close()

    def _rest(self, stopping: threading.Event) -> None:
        """Wait for the next turn, a wish, or a change of Faucet's files."""
        ease = EASE_WAITING if self._awaiting else EASE
        end = self._clock() + max(self._pause(), min(ease * self._took, TURN_SECONDS))
        while not stopping.is_set() and (left := end - self._clock()) > 0:
            if self._wake.wait(min(LOOK_SECONDS, left)) or self._looking.changed():
                return

    def _pause(self) -> float:
        """Say how long nothing happens if nobody wants anything."""
        if self._failed or (self._wish is not None and not self._handed_over):
            return AGAIN_SECONDS
        if not self._awaiting:
            return PROVE_SECONDS if self._standing else TURN_SECONDS
        waited = self._clock() - self._changed_at
        return FAST_SECONDS if waited < FAST_UNTIL else SOON_SECONDS

    def _turn(self) -> None:
        """Do the next step of everything."""
        self._failed, problem = False, None
        looked = self._looked
        try:
            looked = self._look()
        except FaucetFileError as error:  # an edit that is half done, or worse: go on as before
            self._failed, problem = True, str(error)
        if looked is None or looked.layout is None or not looked.found.installed:
            self._stand_by(problem or _NOT_INSTALLED)
            return
        if not self._handed_over:
            self._handed_over = self._hand_over(looked)
        wish = self._wish
        due = self._clock() >= self._plan_at or looked.found is not self._found
        self._found = looked.found
        watched = wish.watched if wish is not None else frozenset()
        if due:
            self._unproven = self._unproven_watches(looked)
        # Who else is at a port is asked right before it is moved.
        moves = wish is not None and moves_ports(wish.isolations)
        again = due or self._planned_for != (looked.layout, watched)
        if moves if self._hurries(wish) else again:
            self._plan(looked, watched)
        if wish is not None and self._handed_over:
            self._act(looked, wish, problem, due=due)
        if due:
            self._tell_mirror(looked, problem)

    def _look(self) -> Looked:
        """Look at Faucet's files; tells what the ports are, if they are something else."""
        looked = self._looking.look()
        if self._looked is not looked:
            before, self._looked = self._looked, looked
            if before is None or before.ground != looked.ground:
                place = looked.place
                kinds = ports(looked.ground, {str(place.root): place.text, **place.included})
                self._inbox.put(kinds)
        return looked

    def _hurries(self, wish: Wish | None) -> bool:
        """Tell whether there is something to isolate or to release that was never looked at.

        It does not wait for a plan of the mirror, for which the main thread is asked.
        """
        if wish is None or self._planned is None or self._desired is None:
            return False
        return self._desired[0][0].isolations != wish.isolations

    def _hand_over(self, looked: Looked) -> bool:
        """Report what stands and was not asked for; gives whether the engine has answered."""
        self._standing = {one.cookie: one for one in standing(looked)}
        self._progress.knows(self._standing)
        wish = self._wish
        wanted = frozenset(one.cookie for one in wish.isolations) if wish is not None else None
        report = Report(wanted=wanted or frozenset(), strangers=strangers(looked, wish))
        self._inbox.put(ev.Reported(report))
        try:
            for _ in range(2):  # it is asked again only once what the first step led to is done
                self._inbox.ask(lambda: None, _ANSWER_SECONDS)
        except TimeoutError:
            return False
        return True

    def _plan(self, looked: Looked, watched: frozenset[str]) -> None:
        """Plan the mirror anew."""
        try:
            spots = self._inbox.ask(self._spots, _ANSWER_SECONDS)
        except TimeoutError:
            return  # the main thread is ending, or very busy: the next turn is soon
        self._there = tuple(spots)
        self._planned = self._planning.plan(looked, spots, watched)
        self._planned_for = (looked.layout, watched)
        self._plan_at = self._clock() + TURN_SECONDS
        self.plan = self._planned.plan

    def _act(self, looked: Looked, wish: Wish, problem: str | None, *, due: bool) -> None:
        """Bring what is wanted one step further, and report it."""
        self._progress.knows(wish.leaving)
        want = self._desire(looked, wish)
        bringing = self._bringing
        writes = bringing.writes
        held = problem is None and self._write(looked, want)
        news, self._news = self._news, False
        if due or news or not bringing.loaded:
            bringing.follow(looked)
        begun = self._clock()
        if bringing.writes == writes and not bringing.not_yet(FAST_UNTIL):
            self._prove(looked, want)
        self._took = self._clock() - begun
        stage = Stage(self._standing, bringing.loaded, bringing.deaf, problem or bringing.problem)
        report = self._progress.report(wish, want, stage)
        if not bringing.adapter.writes:
            report = dry(report)
        self._await(report, want, held=held)
        self._put(report)

    def _desire(self, looked: Looked, wish: Wish) -> Desired:
        """Say what must stand; only when something of it has changed."""
        stages = self._planned.stages if self._planned is not None else NOTHING
        key = (wish, looked.place, stages, that_matter(wish.isolations, self._there))
        before = self._desired
        if before is None or key != before[0]:
            if before is not None and installation(before[0][1]) != installation(looked.place):
                self._bringing.forget()  # installed anew: our file was written by the installation
            made = desired(looked, wish.isolations, stages, key[-1])
            rules = {} if before is None else before[1].rules
            changed = {c for c, one in made.rules.items() if rules.get(c) != one}
            self._progress.forget_proofs(changed)
            self._desired = (key, made)
            self._changed_at, self._awaiting = self._clock(), True
        assert self._desired is not None
        return self._desired[1]

    def _write(self, looked: Looked, want: Desired) -> bool:
        """Have Faucet's files hold what they must; gives whether they do."""
        bringing, writes = self._bringing, self._bringing.writes
        both = [*self._standing.values(), *want.isolations.values()]
        held = bringing.bring(looked, want)
        if held:
            self._standing = want.isolations
        elif bringing.ours not in {None, looked.ours}:
            self._standing = {one.cookie: one for one in standing(looked)}
        if bringing.writes != writes:
            self._looking.wrote()
            self._changed_at = self._clock()
            self._show(written_at=clock_now(), writes=bringing.writes)
        changes, bringing.changes = bringing.changes, []
        for change in kept(changes, both, looked.place.include.name):
            self._inbox.put(change)
        told, bringing.foreign = bringing.foreign, None
        for one in (told, *want.moved.notes):
            if one is not None and one not in self._noticed:
                self._inbox.put(ev.Noticed("drift", one))
        self._noticed = frozenset(want.moved.notes)
        return held

    def _prove(self, looked: Looked, want: Desired) -> None:
        """Read the switches back, if there is anything to find or to miss there."""
        if not (self._standing or self._progress.known):
            return
        ids = (looked.ground.dp_ids.get(port.dp) for port in looked.ground.hooked())
        whole = bool(looked.moves) or moves_ports(want.isolations.values()) or self._progress.moves
        table = None if whole else PORT_TABLE
        read = self._proving.read({one for one in ids if one is not None}, table=table)
        reloads = not self._bringing.loaded or self._bringing.wrote_within(RELOAD_SECONDS)
        self._progress.prove(want, looked.ground, read, reloads=reloads, whole=whole)
        if self._progress.strays:
            self._bringing.root_too(looked)

    def _await(self, report: Report, want: Desired, *, held: bool) -> None:
        """Note whether something is on its way, so that the next turn is soon."""
        bringing = self._bringing
        left = self._progress.known - report.wanted - report.absent
        on_the_way = not held or not bringing.loaded or self._progress.doubts
        if self._proving.wanted:
            on_the_way = on_the_way or bool(left) or bool(want.isolations.keys() - report.proven)
        self._awaiting = on_the_way and bringing.adapter.writes

    def _put(self, report: Report) -> None:
        """Report what has changed; while something is wanted, at each turn."""
        counted = ("wanted", "loaded", "proven", "refused")
        counts = {name: len(getattr(report, name)) for name in counted}
        leaving = 0 if self._wish is None else len(self._wish.leaving - report.absent)
        self._show(**counts, leaving=leaving, problem=report.problem)
        if report != self._reported or report.wanted:
            self._reported = report
            self._inbox.put(ev.Reported(report))

    def _show(self, **changed: Any) -> None:
        self.shown = (self.shown or Shown())._replace(**changed)

    def _stand_by(self, problem: str) -> None:
        """Say that nothing can be done."""
        self._inbox.put(ev.Covered((problem,)))
        self._bringing.forget()
        self._awaiting, wish = False, self._wish
        if wish is not None:
            wanted = frozenset(one.cookie for one in wish.isolations)
            self._put(Report(wanted=wanted, problem=problem))

    def _unproven_watches(self, looked: Looked) -> tuple[str, ...]:
        """Tell of watches of the last plan that are at no switch, before another plan is made."""
        planned = self._planned
        if planned is None or not planned.stages.watches or not self._proving.wanted:
            return ()
        read = self._proving.read(looked.names)
        return self._planning.unproven(planned, read.cookies() if read.probing else None)

    def _tell_mirror(self, looked: Looked, problem: str | None) -> None:
        """Say what is wrong with the hook, and whom the mirror does not show."""
        planned = self._planned
        if planned is None:
            return
        plan, beside = planned.plan, (problem, self._bringing.adapter.warning)
        told = (one for one in beside if one is not None)
        problems = [*looked.found.problems, *told, *plan.problems, *self._unproven]
        if planned.stages != NOTHING and self._bringing.problem is not None:
            problems.append(f"the watches cannot be written: {self._bringing.problem}")
        self._inbox.put(ev.Covered(tuple(problems)))
        self._inbox.put(ev.Mirrored(plan.ignored, dict(plan.uncovered), plan.waiting))
