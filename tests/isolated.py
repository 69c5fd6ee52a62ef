"""An installation on disk with isolations in it, the journal of them, and a switch to be read."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from plugin.audit.journal import Journal
from plugin.faucet.hook import Stages, watch
from plugin.faucet.isolate import lay, merged
from plugin.faucet.journal import write_journal
from plugin.faucet.probe import Probe
from plugin.faucet.revlan import RevlanPlan, plan_revlans, revlans
from plugin.offline.faucet import JOURNAL, Running
from tests.checker import environment
from tests.grounds import mac

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from plugin.actions import Isolation
    from plugin.faucet.flows import Flow
    from tests.grounds import Site

WATCHED = mac(77)
_READER = """
import json, sys
print(json.dumps({"id": 0}), flush=True)
for line in sys.stdin:
    asked, flows = json.loads(line), json.load(open(sys.argv[1]))
    if asked["ask"] == "datapaths":
        answer = {"datapaths": [int(one) for one in flows]}
    else:
        answer = {"flows": flows[str(asked["dp_id"])]}
    print(json.dumps({"id": asked["id"], **answer}), flush=True)
"""


def include(one: Site, *isolations: Isolation) -> str:
    """Our include with these isolations and a watch."""
    watches = Stages(watches=watch(WATCHED, 40_000))
    return one.stages(merged(lay(isolations, one.ground).stages, watches))


def on_disk(folder: Path, one: Site, *isolations: Isolation) -> Path:
    """Write faucet.yaml, our include and the record of the installation; gives the first."""
    root, journal = one.root, one.journal
    wanted, refused = revlans([i for i in isolations if i.action.kind == "revlan"], one.ground)
    assert not refused
    plan = plan_revlans(root, wanted, None)
    assert isinstance(plan, RevlanPlan)
    (folder / "faucet.yaml").write_text(plan.new_text)
    (folder / JOURNAL).write_text(write_journal(journal._replace(revlans=plan.record)))
    (folder / journal.layout.include).write_text(include(one, *isolations))
    return folder / "faucet.yaml"


def running() -> Running:
    """A Faucet that does not run; its parser does."""
    return Running(environment=environment(), reload=False)


def journal(folder: Path, *cases: Mapping[str, Any]) -> Path:
    """A journal that knows these cases and devices with names."""
    with Journal(folder) as writer:
        for case in cases:
            known = {"mac": case["mac"], "addresses": case["addresses"], "name": case["name"]}
            writer.append(time=1, kind="device", actor="halia", body=known)
            body = {"case": dict(case), "before": None, "why": "x"}
            writer.append(time=2, kind="decision", actor="scanners", body=body)
    return folder


def switch(file: Path, flows: Mapping[int, Sequence[Flow]]) -> Probe:
    """A probe of switches with these flows; the file may be written anew meanwhile."""
    fill(file, flows)
    return Probe(command=[sys.executable, "-c", _READER, str(file)])


def fill(file: Path, flows: Mapping[int, Sequence[Flow]]) -> None:
    """Write what the switches have."""
    documents = {str(dp): [dict(one._asdict()) for one in some] for dp, some in flows.items()}
    part = file.with_suffix(".part")
    part.write_text(json.dumps(documents))
    part.replace(file)
