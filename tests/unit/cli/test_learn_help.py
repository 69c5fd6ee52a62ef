from __future__ import annotations

import yaml

from plugin.cli.learn_help import text
from plugin.cli.learn_param import parameters
from plugin.ml.novelty.options import ALGORITHMS, complete


def test_options_and_defaults_are_what_param_reads() -> None:
    listed = yaml.safe_load(text(meanings=False))
    assert list(listed) == [one.name for one in ALGORITHMS]
    for one in ALGORITHMS:
        assert parameters(text(meanings=False), one.name) == complete(one.name, {})


def test_everything_is_explained() -> None:
    told = text(meanings=True)
    for one in ALGORITHMS:
        assert one.meaning in told
        assert all(option.meaning in told for option in one.options)
    assert "one-class-svm (OCSVM)" in told
