"""One setting: its variable, and whether it is a list."""

from __future__ import annotations

import pytest

from plugin.settings.setting import Setting


def test_a_setting_has_a_variable_of_its_name() -> None:
    assert Setting("change.time", "span", 0.0, "x").variable == "HALIA_CHANGE_TIME"


@pytest.mark.parametrize(("kind", "many"), [("vlans", True), ("mails", True), ("span", False)])
def test_kinds_with_any_number_of_values_are_lists(kind: str, many: bool) -> None:
    assert Setting("x", kind, None, "x").is_list is many
