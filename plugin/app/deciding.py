"""What is decided about devices, as documents: what people ask for and order. Main thread only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.app.messages import decision_body
from plugin.policy import remembered
from plugin.policy.explain import to_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugin.engine import Engine
    from plugin.policy.cases import Told, Transition

Document = dict[str, Any]


class Decisions:
    """Decisions of a run.

    Args:
        engine: Decides.
        order: Has an order carried out; in the journal when it returns.
        clock: Seconds since 1970-01-01 UTC.
    """

    def __init__(
        self,
        engine: Engine,
        order: Callable[[Told], tuple[Transition, ...]],
        clock: Callable[[], float],
    ) -> None:
        self._engine, self._order, self._clock = engine, order, clock

    def order(self, what: Told) -> list[Document]:
        """Tell the ledger what somebody wants, and carry out what follows.

        Returns:
            Each step that a case took: ``case``, ``before``, ``why``.

        Raises:
            DeniedOrder: it will not be done.
            OutputError: it was taken, and cannot be kept now.
        """
        return [decision_body(one) for one in self._order(what)]

    def cases(self) -> list[Document]:
        """All cases that are known, by number."""
        return [remembered.to_document(one) for one in self._engine.deciding.cases()]

    def explain(self, mac: str) -> Document | None:
        """What the policy says about a device; None: there is no such device."""
        found = self._engine.explain(mac, self._clock())
        return None if found is None else to_document(found)

    def status(self) -> Document:
        """How the decisions are, for ``halia status``."""
        deciding = self._engine.deciding
        states: dict[str, int] = {}
        for one in deciding.cases():
            states[one.state] = states.get(one.state, 0) + 1
        policy, frozen = deciding.policy, deciding.frozen()
        refused = deciding.refused
        problems = [] if frozen is None else [f"no rule isolates anybody: {frozen}"]
        return {
            "problem": "; ".join([*problems, *([refused] if refused else [])]) or None,
            "policy": policy.source or None,
            "digest": policy.digest or None,
            "rules": len(policy.rules),
            "cases": states,
            "frozen": frozen,
            "refused": refused,
            "learning_until": self._learning_until(),
        }

    def _learning_until(self) -> float | None:
        """When rules may act; None: they may, or there are none."""
        deciding = self._engine.deciding
        until = deciding.learning_until()
        return until if deciding.policy.rules and (until or 0.0) > self._clock() else None
