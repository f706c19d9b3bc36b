"""Spectral clustering by the ``spectralcluster`` package, with the settings of its papers."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_choice, check_counts, check_flags, check_numbers, check_types
from diarspk.clustering.agglomerative import AgglomerativeClusterer
from diarspk.clustering.clusterer import Clustering, PartitionClusterer
from diarspk.clustering.weighted_points import WeightedPoints
from diarspk.errors import ArgumentError

if TYPE_CHECKING:
    import spectralcluster

__all__ = [
    "AUTO_TUNE",
    "ICASSP2018",
    "TURN_TO_DIARIZE",
    "AutoTune",
    "MultiStageClusterer",
    "SpectralClusterer",
    "SpectralSettings",
]

MIN_ROWS = 6
"""Minimum number of rows for an estimate of the number of speakers (as in NeMo's NME-SC)."""

Refinement = Literal[
    "CropDiagonal", "GaussianBlur", "RowWiseThreshold", "Symmetrize", "Diffuse", "RowWiseNormalize"
]
Threshold = Literal["RowMax", "Percentile"]
Symmetrization = Literal["Max", "Average"]
Laplacian = Literal["Affinity", "Unnormalized", "RandomWalk", "GraphCut"]


@dataclass(frozen=True)
class AutoTune:
    """Search range of the threshold's percentile p, which minimizes sqrt(1 - p) / eigengap."""

    lowest: float = 0.60
    highest: float = 0.95
    step: float = 0.01

    def __post_init__(self) -> None:
        """Check the range."""
        check_numbers(self, "lowest", "highest", "step", above=0.0, below=1.0)


@dataclass(frozen=True)
class SpectralSettings:
    """Refinements of the affinity matrix, and the Laplacian whose spectrum is used.

    Names and values are those of the ``spectralcluster`` package.

    Attributes
    ----------
    refinements : tuple of str
        Refinements of the affinity (cos + 1) / 2, in order.
    threshold : {"RowMax", "Percentile"}
        Whether `percentile` is a share of the row's maximum, or of its entries.
    percentile : float
        Entries below the threshold are multiplied by `soft_multiplier`. Overridden by auto-tune.
    binarize, preserve_diagonal : bool
        Entries above the threshold, and the diagonal, become 1.
    symmetrize : {"Max", "Average"}
        Symmetrization of the matrix.
    auto_tune : AutoTune, optional
        Search for `percentile`; needs the refinement "RowWiseThreshold".
    laplacian : {"Affinity", "Unnormalized", "RandomWalk", "GraphCut"}
        Matrix whose eigenvectors are used.
    normalize_rows : bool
        Scale the spectral embeddings to unit norm.
    propagation : float, optional
        Alpha of the constraint propagation that spreads cannot-link pairs over the affinity.
    default_max_speakers : int
        Maximum number of speakers where the caller gives none.
    """

    refinements: tuple[Refinement, ...]
    threshold: Threshold = "RowMax"
    percentile: float = 0.95
    soft_multiplier: float = 0.01
    binarize: bool = False
    preserve_diagonal: bool = False
    symmetrize: Symmetrization = "Max"
    auto_tune: AutoTune | None = None
    laplacian: Laplacian = "Affinity"
    normalize_rows: bool = False
    propagation: float | None = None
    default_max_speakers: int = 7

    def __post_init__(self) -> None:
        """Check the settings."""
        known = get_args(Refinement)
        given = self.refinements
        if not isinstance(given, tuple) or not all(one in known for one in given):
            raise ArgumentError(
                f"`refinements` must be a tuple of some of {', '.join(known)}, got {given!r}"
            )
        check_choice(self, "threshold", Threshold)
        check_choice(self, "symmetrize", Symmetrization)
        check_choice(self, "laplacian", Laplacian)
        check_numbers(self, "percentile", "soft_multiplier", minimum=0.0, maximum=1.0)
        check_numbers(self, "propagation", minimum=0.0, maximum=1.0, optional=True)
        check_flags(self, "binarize", "preserve_diagonal", "normalize_rows")
        check_types(self, auto_tune=AutoTune | None)
        check_counts(self, "default_max_speakers")

    def build(self, min_speakers: int, max_speakers: int) -> spectralcluster.SpectralClusterer:
        """Build the package's clusterer, anew for each session since `predict` modifies it."""
        import spectralcluster as package

        tune, alpha = self.auto_tune, self.propagation
        return package.SpectralClusterer(
            min_clusters=min_speakers,
            max_clusters=max_speakers,
            refinement_options=package.RefinementOptions(
                p_percentile=self.percentile,
                thresholding_soft_multiplier=self.soft_multiplier,
                thresholding_type=package.ThresholdType[self.threshold],
                thresholding_with_binarization=self.binarize,
                thresholding_preserve_diagonal=self.preserve_diagonal,
                symmetrize_type=package.SymmetrizeType[self.symmetrize],
                refinement_sequence=[package.RefinementName[name] for name in self.refinements],
            ),
            autotune=tune and package.AutoTune(tune.lowest, tune.highest, tune.step),
            laplacian_type=package.LaplacianType[self.laplacian],
            row_wise_renorm=self.normalize_rows,
            constraint_options=None
            if alpha is None
            else package.ConstraintOptions(
                constraint_name=package.ConstraintName.ConstraintPropagation,
                apply_before_refinement=True,
                constraint_propagation_alpha=alpha,
            ),
        )


ICASSP2018 = SpectralSettings(
    refinements=(
        "CropDiagonal",
        "GaussianBlur",
        "RowWiseThreshold",
        "Symmetrize",
        "Diffuse",
        "RowWiseNormalize",
    ),
)
"""Wang et al. 2018, "Speaker diarization with LSTM" (arXiv 1710.10468), section 3.2."""

AUTO_TUNE = replace(ICASSP2018, auto_tune=AutoTune())
"""The same refinements, the threshold tuned on each session (after Park et al. 2019)."""

TURN_TO_DIARIZE = SpectralSettings(
    refinements=("RowWiseThreshold", "Symmetrize"),
    threshold="Percentile",
    binarize=True,
    preserve_diagonal=True,
    symmetrize="Average",
    auto_tune=AutoTune(0.40, 0.95, 0.05),
    laplacian="GraphCut",
    normalize_rows=True,
    propagation=0.4,
)
"""Xia et al. 2022, "Turn-to-Diarize" (arXiv 2109.11641): constraint propagation and auto-tune."""


@dataclass(frozen=True)
class SpectralClusterer(PartitionClusterer):
    """Spectral clustering with the settings of a paper.

    The papers assume two speakers or more. Where one is allowed, the fallback decides first
    whether there is one, as in Wang et al. 2022 (arXiv 2210.13690, section 3.3). Count scores are
    the fallback's: the package does not return its eigenvalues.

    Attributes
    ----------
    settings : SpectralSettings
        Refinements and Laplacian.
    fallback : AgglomerativeClusterer
        Decides between one speaker and several. Clusters sessions of fewer than six windows, and
        those whose spectrum is degenerate.
    exact_up_to : int
        As for every clusterer; time grows with its cube.
    """

    settings: SpectralSettings = TURN_TO_DIARIZE
    fallback: AgglomerativeClusterer = field(default_factory=AgglomerativeClusterer)
    exact_up_to: int = field(default=600, kw_only=True)

    def __post_init__(self) -> None:
        """Check the settings."""
        super().__post_init__()
        check_types(self, settings=SpectralSettings, fallback=AgglomerativeClusterer)

    def partition(self, points: WeightedPoints) -> Clustering:
        """Single-speaker test by the fallback, then the package's spectral clustering."""
        fallback = self.fallback.partition(points)
        if points.count < MIN_ROWS or (points.min_speakers == 1 and not fallback.labels.any()):
            return fallback
        with np.errstate(all="ignore"), warnings.catch_warnings():
            # k-means on duplicates warns: the base class corrects the count.
            warnings.simplefilter("ignore")
            try:
                return Clustering(self._predict(points), fallback.count_scores)
            # Raised by the package when no eigengap is finite or an eigenvector's row is zero.
            except (ValueError, UnboundLocalError, np.linalg.LinAlgError):
                return fallback

    def _predict(self, points: WeightedPoints) -> NDArray[np.int64]:
        constraints = None
        if len(points.cannot_link):
            constraints = np.zeros((points.count, points.count))
            first, second = points.cannot_link.T
            constraints[first, second] = constraints[second, first] = -1.0
        lowest = max(points.min_speakers, 2)
        highest = points.limit(self.settings.default_max_speakers)
        labels = self.settings.build(lowest, highest).predict(points.means, constraints)
        return np.asarray(labels, dtype=np.int64)


@dataclass(frozen=True)
class MultiStageClusterer(PartitionClusterer):
    """Multi-stage clustering (Wang et al. 2022, arXiv 2210.13690) of complete sessions.

    Few windows are clustered by the fallback, more by the main clusterer, and many are reduced to
    micro-clusters first. The defaults are the paper's L = 50 and U1 = 100. Count scores are those
    of the clusterer that decided.

    Attributes
    ----------
    main : PartitionClusterer
        For L windows or more, and for micro-clusters.
    fallback : AgglomerativeClusterer
        For fewer than L windows.
    min_windows : int
        L.
    exact_up_to : int
        U1.
    """

    main: PartitionClusterer = field(default_factory=SpectralClusterer)
    fallback: AgglomerativeClusterer = field(default_factory=AgglomerativeClusterer)
    min_windows: int = 50
    exact_up_to: int = field(default=100, kw_only=True)

    def __post_init__(self) -> None:
        """Check the settings."""
        super().__post_init__()
        check_counts(self, "min_windows")
        check_types(self, main=PartitionClusterer, fallback=AgglomerativeClusterer)
        if not 1 <= self.min_windows <= self.exact_up_to:
            raise ArgumentError(
                f"`min_windows` must be within 1..exact_up_to={self.exact_up_to}, "
                f"got {self.min_windows}."
            )

    def partition(self, points: WeightedPoints) -> Clustering:
        """Partition by the fallback or the main clusterer."""
        few = points.weights.sum() < self.min_windows
        return (self.fallback if few else self.main).partition(points)
