"""The candidates: from a network and what it is shown to a map of what speaks for malignancy."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from itertools import product
from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients, NoiseTunnel, Saliency
from monai.visualize import GradCAM, GradCAMpp
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter
from torch.nn.functional import interpolate

from nodulus.pipeline.engines.sessions import import_openvino

from .views import View

Map = NDArray[np.float32]
Explainer = Callable[[View], Map]
N_STEPS, N_NOISY, NOISE, N_AT_ONCE = 16, 16, 0.1, 16
OCCLUDED_MM, STEP_MM = 5.0, 3.0
BALL = "ball of the diameter"
AIR = 0.0


class Margin(torch.nn.Module):
    """The malignant logit less the benign one, (n, 1): what the calibrated probability is a rising function of."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(False)  # gradients of weights would double the work
        self.eval()  # MONAI's maps put all of it into the mode that they find here, batch norms included
        self._compiled: Any = None

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Return the margins of some patches."""
        outputs = self.network(patches)
        margins: torch.Tensor = outputs[:, 1:2] - outputs[:, :1]
        return margins

    def without_gradients(self, patches: torch.Tensor) -> torch.Tensor:
        """Return the margins of some patches by OpenVINO, to 1e-4 the same in a third of torch's time."""
        if self._compiled is None:
            openvino = import_openvino()
            model = openvino.convert_model(self, example_input=patches[:1].repeat(2, 1, 1, 1, 1))
            # Full precision: some processors would take half of it by themselves.
            settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
            self._compiled = openvino.compile_model(model, "CPU", settings)
        return torch.from_numpy(np.array(self._compiled(patches.contiguous().numpy())[0]))


def grad_cam(margin: Margin, layer: str, kind: type[GradCAM] = GradCAM) -> Explainer:
    """Return Grad-CAM at a stage, as MONAI computes it, without its normaliser, which turns the hottest into 0.

    At its last block, whose output is the stage's: a network may call the blocks of a stage by themselves.
    """

    def explain(view: View) -> Map:
        # Of a copy: the hooks stay on the network, and hold what any later call of it computes.
        of = Margin(margin.network)
        block = f"network.{layer}.{len(list(of.get_submodule(f'network.{layer}').children())) - 1}"
        cam = kind(of, block, upsampler=_centred_upsampler, postprocessing=lambda heat: heat)
        heat = _as_map(cam(view.patch.clone().requires_grad_(), class_idx=0))
        # The copy and its hooks hold each other, and with them all that was computed: gigabytes, until both go.
        cam.nn_module.activations.clear()
        cam.nn_module.gradients.clear()
        cam.nn_module.score = None
        return heat

    return explain


def occlusion(margin: Margin, edge_mm: float) -> Explainer:
    """Return how far the margin falls when a cube of voxels is air, at each voxel the mean of the cubes that hold it.

    MONAI's does the same three times as slowly, cube by cube in Python, by an indexing that torch is to drop.
    """

    def explain(view: View) -> Map:
        cubes = _cubes(view, edge_mm)
        fall, held = np.zeros(view.is_shown.shape), np.zeros(view.is_shown.shape)
        before = margin.without_gradients(view.patch).item()
        for start in range(0, len(cubes), N_AT_ONCE):
            some = cubes[start : start + N_AT_ONCE]
            patches = view.patch.repeat(len(some), 1, 1, 1, 1)
            for row, cube in enumerate(some):
                patches[row, 0][cube] = AIR
            for cube, after in zip(some, margin.without_gradients(patches).ravel().tolist(), strict=True):
                fall[cube] += before - after
                held[cube] += 1
        return np.asarray(fall / np.maximum(held, 1), dtype=np.float32)

    return explain


def integrated_gradients(margin: Margin, blur_mm: float) -> Explainer:
    """Return what each voxel adds to the margin on the way from air to the picture, blurred."""
    return lambda view: blurred(_added(margin, view), blur_mm / view.spacing_mm)


@lru_cache(maxsize=64)  # a nodule's views, for the blurs that follow one another
def _added(margin: Margin, view: View) -> Map:
    captum = IntegratedGradients(margin)
    return _as_map(captum.attribute(view.patch, baselines=AIR, n_steps=N_STEPS, internal_batch_size=N_STEPS))


def smooth_grad(margin: Margin, blur_mm: float) -> Explainer:
    """Return how much the margin depends on each voxel, mean over noisy copies, blurred."""
    captum = NoiseTunnel(Saliency(margin))

    def explain(view: View) -> Map:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            slope = captum.attribute(view.patch, nt_type="smoothgrad", nt_samples=N_NOISY, stdevs=NOISE, abs=True)
        return blurred(_as_map(slope), blur_mm / view.spacing_mm)

    return explain


def ball(_: Margin) -> Explainer:
    """Return a map that knows no network: how near a voxel lies to the middle, in stated diameters."""

    def explain(view: View) -> Map:
        axes = np.ogrid[tuple(slice(-(n - 1) / 2, n / 2) for n in view.is_shown.shape)]
        distance_mm = np.sqrt(sum((step * axis) ** 2 for step, axis in zip(view.spacing_mm, axes, strict=True)))
        return np.asarray(np.exp(-2 * (distance_mm / view.diameter_mm) ** 2), dtype=np.float32)

    return explain


def brightness(_: Margin) -> Explainer:
    """Return a map that knows no network: the picture."""
    return lambda view: _as_map(view.patch)


CANDIDATES: Mapping[str, Callable[[Margin], Explainer]] = {
    "Grad-CAM, layer 1": partial(grad_cam, layer="layer1"),
    "Grad-CAM, layer 2": partial(grad_cam, layer="layer2"),
    "Grad-CAM, layer 3": partial(grad_cam, layer="layer3"),
    "Grad-CAM++, layer 1": partial(grad_cam, layer="layer1", kind=GradCAMpp),
    "Grad-CAM++, layer 2": partial(grad_cam, layer="layer2", kind=GradCAMpp),
    "occlusion, 5 mm": partial(occlusion, edge_mm=OCCLUDED_MM),
    "integrated gradients, blur 1 mm": partial(integrated_gradients, blur_mm=1.0),
    "integrated gradients, blur 2 mm": partial(integrated_gradients, blur_mm=2.0),
    "SmoothGrad, blur 1 mm": partial(smooth_grad, blur_mm=1.0),
}
CONTROLS: Mapping[str, Callable[[Margin], Explainer]] = {BALL: ball, "brightness": brightness}


def _cubes(view: View, edge_mm: float) -> list[tuple[slice, ...]]:
    """Return cubes of about an edge, an odd number of voxels, whose middles stand 3 mm apart where voxels are shown."""
    half, step = (np.rint(length / view.spacing_mm).astype(int).tolist() for length in (edge_mm / 2, STEP_MM))
    places = [np.unique(found) for found in np.nonzero(view.is_shown)]
    middles = product(*(range(at[0], at[-1] + 1, each) for at, each in zip(places, step, strict=True)))
    return [tuple(slice(max(m - h, 0), m + h + 1) for m, h in zip(middle, half, strict=True)) for middle in middles]


def _centred_upsampler(size: tuple[int, ...]) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the upsampling that places features where strides of two put them: the first on the first voxel."""
    return lambda features: interpolate(features, size=size, mode="trilinear", align_corners=True)


def blurred(values: NDArray[np.floating[Any]], blur_voxels: ArrayLike) -> Map:
    """Return values smoothed by a Gaussian of so many voxels, one number for each axis or one for all."""
    return np.asarray(gaussian_filter(values, blur_voxels), dtype=np.float32)


def _as_map(values: torch.Tensor) -> Map:
    plain = torch.as_tensor(values).detach().as_subclass(torch.Tensor)
    return np.asarray(plain.reshape(plain.shape[-3:]).numpy(), dtype=np.float32)
