"""What a running Halia judges captures with: models and parameters, as the settings name them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from plugin.offline.behaviours import FILE, load_parameters
from plugin.offline.classify import Options, load_models, load_signs, load_usual
from plugin.offline.flow_novelty import check_roles, load_flow_models
from plugin.offline.novelty import SHIPPED
from plugin.settings import data_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugin.ml.behaviour.parameters import Parameters
    from plugin.ml.flow_model import FlowModel
    from plugin.ml.model import Model
    from plugin.ml.novelty.model import Normal
    from plugin.ml.novelty.references import Memory
    from plugin.ml.suspicion import Suspicion
    from plugin.settings import Settings


class Judges(NamedTuple):
    """What judges captures: read anew at a reload."""

    models: list[Model]
    """Of roles."""
    parameters: Parameters
    """Of behaviours."""
    normal: Normal | None = None
    """What is usual for a role; None where no such model came along."""
    suspicion: Suspicion | None = None
    """How far harmless devices go in each sign; None likewise."""
    flows: Mapping[str, FlowModel] = MappingProxyType({})
    """Models of flows by role, which may find novelty too; ``*``: any other role."""

    def networkml(self) -> Mapping[str, str]:
        """NetworkML's own labels of the models' classes."""
        return {label: ours for m in self.models for label, ours in m.manifest.networkml.items()}

    def options(self, memory: Memory | None = None) -> Options:
        """How captures are classified with them.

        Args:
            memory: what is remembered of the site.
        """
        return Options(
            behaviours=self.parameters,
            normal=self.normal,
            memory=memory,
            suspicion=self.suspicion,
            flows=self.flows,
        )


def load_judges(settings: Settings) -> Judges:
    """Load models and behaviours.

    Raises:
        InputError: ``detect.flows`` names a role twice.
        ModelError: there is no such model, or it is refused; no model says such a role.
        OptionError: a model of flows needs a detector that is not installed.
        SettingsError: the file of behaviours is wrong.
    """
    file = settings.behaviours.file or data_folder("configs", settings.data) / FILE
    models = load_models(settings.model, settings.data)
    flows = load_flow_models(settings.detect.flows, settings.data)
    check_roles(flows, models)
    return Judges(
        models,
        load_parameters(file),
        load_usual(SHIPPED, settings.data),
        load_signs(data=settings.data),
        flows,
    )
