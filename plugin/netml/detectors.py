"""netml's detectors by its names and arguments; the options are Halia's of the same names.

``halia learn --help-algorithm`` tells what options mean. Arguments that stand in ``_idle`` are
taken because netml has them, and have no effect: another way to the same result, or nothing at all
in netml either. Defaults are netml's, but for ``l2_regularizer``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugin.netml.detector import IDLE, Detector, Loaded

if TYPE_CHECKING:
    from plugin.flows.spec import Spec
    from plugin.ml.flow_model import FlowModel


class OCSVM(Detector):
    """One-class support vector machine."""

    _algorithm = "one-class-svm"
    _idle = IDLE | {"shrinking", "cache_size"}

    def __init__(  # noqa: PLR0913 - netml's
        self,
        *,
        kernel: str = "rbf",
        degree: int = 3,
        gamma: float | str = "scale",
        coef0: float = 0.0,
        tol: float = 1e-3,
        nu: float = 0.5,
        shrinking: bool = True,
        cache_size: float = 200,
        verbose: bool = False,
        max_iter: int = -1,
        random_state: int = 100,
        references: int = 4096,
    ) -> None:
        """Keep the arguments (see the module)."""
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0
        self.tol = tol
        self.nu = nu
        self.shrinking = shrinking
        self.cache_size = cache_size
        self.verbose = verbose
        self.max_iter = max_iter
        self.random_state = random_state
        self.references = references


class KDE(Detector):
    """Kernel density estimation."""

    _algorithm = "kernel-density"
    _idle = IDLE | {
        "algorithm",
        "metric",
        "atol",
        "rtol",
        "breadth_first",
        "leaf_size",
        "metric_params",
    }

    def __init__(  # noqa: PLR0913 - netml's
        self,
        *,
        bandwidth: float | str = 1.0,
        algorithm: str = "auto",
        kernel: str = "gaussian",
        metric: str = "euclidean",
        atol: float = 0,
        rtol: float = 0,
        contamination: float = 0.1,
        breadth_first: bool = True,
        leaf_size: int = 40,
        metric_params: object = None,
        random_state: int = 42,
        references: int = 4096,
    ) -> None:
        """Keep the arguments (see the module)."""
        self.bandwidth = bandwidth
        self.algorithm = algorithm
        self.kernel = kernel
        self.metric = metric
        self.atol = atol
        self.rtol = rtol
        self.contamination = contamination
        self.breadth_first = breadth_first
        self.leaf_size = leaf_size
        self.metric_params = metric_params
        self.random_state = random_state
        self.references = references


class IF(Detector):
    """Isolation forest."""

    _algorithm = "isolation-forest"

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        max_samples: float | str = "auto",
        contamination: float = 0.1,
        random_state: int = 42,
        verbose: int = 1,
    ) -> None:
        """Keep the arguments (see the module)."""
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.contamination = contamination
        self.random_state = random_state
        self.verbose = verbose


class AE(Detector):
    """Autoencoder: scikit-learn's net, no torch."""

    _algorithm = "autoencoder"
    _idle = IDLE | {"loss", "dropout_rate", "validation_size"}

    def __init__(  # noqa: PLR0913 - netml's
        self,
        *,
        epochs: int = 100,
        batch_size: int = 32,
        lr: float = 1e-3,
        loss: str = "mse",
        dropout_rate: float = 0.2,
        l2_regularizer: float = 1e-4,
        validation_size: float = 0.1,
        verbose: int = 1,
        random_state: int = 42,
        contamination: float = 0.1,
        hid_dim: int = 16,
        lat_dim: int = 8,
    ) -> None:
        """Keep the arguments (see the module)."""
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.loss = loss
        self.dropout_rate = dropout_rate
        self.l2_regularizer = l2_regularizer
        self.validation_size = validation_size
        self.verbose = verbose
        self.random_state = random_state
        self.contamination = contamination
        self.hid_dim = hid_dim
        self.lat_dim = lat_dim


class GMM(Detector):
    """Gaussian mixture."""

    _algorithm = "gaussian-mixture"
    _idle = IDLE | {"verbose_interval"}

    def __init__(  # noqa: PLR0913 - netml's
        self,
        *,
        n_components: int = 1,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        random_state: int = 42,
        verbose: int = 0,
        verbose_interval: int = 10,
        contamination: float = 0.1,
    ) -> None:
        """Keep the arguments (see the module)."""
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.random_state = random_state
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.contamination = contamination


class PCA(Detector):
    """Principal components: the weighted distances to all of them, as PyOD's."""

    _algorithm = "pca"
    _idle = IDLE | {"copy", "whiten", "svd_solver", "tol", "iterated_power"}

    def __init__(  # noqa: PLR0913 - netml's
        self,
        *,
        n_components: int | None = None,
        n_selected_components: int | None = None,
        contamination: float = 0.1,
        copy: bool = True,
        whiten: bool = False,
        svd_solver: str = "auto",
        tol: float = 0.0,
        iterated_power: int | str = "auto",
        random_state: int | None = None,
        weighted: bool = True,
        standardization: bool = True,
    ) -> None:
        """Keep the arguments (see the module)."""
        self.n_components = n_components
        self.n_selected_components = n_selected_components
        self.contamination = contamination
        self.copy = copy
        self.whiten = whiten
        self.svd_solver = svd_solver
        self.tol = tol
        self.iterated_power = iterated_power
        self.random_state = random_state
        self.weighted = weighted
        self.standardization = standardization

    def _options(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"scale" if k == "standardization" else k: v for k, v in given.items()}


class SOS(Detector):
    """Stochastic outlier selection; netml has none."""

    _algorithm = "sos"

    def __init__(
        self,
        *,
        perplexity: float = 4.5,
        contamination: float = 0.1,
        random_state: int = 42,
        references: int = 4096,
    ) -> None:
        """Keep the arguments (see the module)."""
        self.perplexity = perplexity
        self.contamination = contamination
        self.random_state = random_state
        self.references = references


CLASSES: tuple[type[Detector], ...] = (OCSVM, KDE, IF, AE, GMM, PCA, SOS)


def of_model(model: FlowModel, spec: Spec | None) -> Detector:
    """The detector of a model that was kept.

    Args:
        model: as loaded.
        spec: how its features are made.
    """
    manifest = model.manifest
    kind = next((one for one in CLASSES if one.is_for(manifest.algorithm)), Loaded)
    made = kind()
    options = dict(manifest.options) | {
        "random_state": manifest.seed,
        "contamination": manifest.alarms,
    }
    made.set_params(**{k: v for k, v in options.items() if k in made.get_params()})
    made.name = manifest.name
    made.model_, made.spec_, made.threshold_ = model, spec, manifest.threshold
    made.n_features_in_ = manifest.columns
    return made
