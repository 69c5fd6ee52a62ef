"""Tables of made-up cases: harmless families far apart, attacks of some folders and sources."""

from __future__ import annotations

import numpy as np

from scripts.tables.anomaly_captures import Case, Table

KINDS = ("scan", "ddos", "c2")


def table(*, badness: float, newness: float = 20.0, each: int = 24, seed: int = 0) -> Table:
    """Three harmless families and three kinds of attack, two rows a case, two columns.

    The first column is what family it is (``newness`` apart); the second how bad (attacks have
    ``badness`` more than harmless ones). An attack looks like no family.
    """
    random = np.random.default_rng(seed)
    cases, rows = [], []
    for number in range(3):
        for i in range(each):
            path = f"devices/{number}/{i:02}"
            family = f"family{number}"
            kind = "office" if number == 0 else "gadget"
            cases.append(Case(path, False, family, "lab", kind, "h/h", ""))
            rows += [(newness * number, 0.0)] * 2
    for number, kind in enumerate(KINDS):
        for i in range(4):
            path, source = f"attacks/{kind}/{i}", f"a/{number}{i % 2}"
            cases.append(Case(path, True, "", source, kind, source, "bad"))
            rows += [(newness * 5, 0.0), (newness * 5, badness)]
    values = np.array(rows) + random.normal(0, 1, (len(rows), 2))
    owner = np.repeat(np.arange(len(cases)), 2)
    return Table(tuple(cases), owner, ("",) * len(owner), values)
