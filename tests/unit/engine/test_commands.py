"""Every command can be carried out, and says the same as one that was made the same."""

from __future__ import annotations

from typing import get_args

from plugin.engine import commands as do


def test_commands_are_records_that_cannot_be_changed() -> None:
    kinds = get_args(do.Command)
    assert len(set(kinds)) == 11
    assert all(issubclass(kind, tuple) for kind in kinds)
    assert do.Hold(on=True) == do.Hold(on=True) != do.Hold(on=False)


def test_commands_with_the_same_fields_are_told_apart_by_their_kind() -> None:
    # Tuples of the same fields are equal in Python: who carries them out looks at the type.
    by_kind = {type(one): one for one in (do.Show("a"), do.Forget("a"))}
    assert set(by_kind) == {do.Show, do.Forget}
