from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import get_args

import pytest

from plugin.policy.book import STANDING
from plugin.policy.cases import HALIA, NOBODY, State
from tests.ledgers import Site, policy


def test_a_case_is_a_record_that_stays_as_it_was() -> None:
    case = Site(policy()).offend(1)
    with pytest.raises(FrozenInstanceError):
        case.state = "released"  # type: ignore[misc] # what must not be done


def test_what_may_stand_at_a_switch_are_states_of_cases() -> None:
    assert set(get_args(State)) > STANDING


def test_actors_that_are_nobody_in_person_have_names_of_their_own() -> None:
    assert len({HALIA, NOBODY}) == 2
