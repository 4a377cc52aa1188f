"""The allow-list: what a config may name. Whoever adds a name has read what it does with each of its arguments."""

from __future__ import annotations

from collections.abc import Iterable

# Of ours. `Scorer` is not among them: it opens a bundle, and may be told to trust it.
_OURS = {
    "nodulus.transforms": (
        "FillOutsideBoxd", "LoadCTd", "NoduleFactsd", "NodulePatchd", "OpenCTd", "RandNodulePatchd",
    ),
    "nodulus.pipeline": (
        "AverageBuffers", "EpochLog", "EpochSeed", "EqualProcesses", "EvaluationReport", "KeepBest", "RatingsLoss",
        "ReadOutputsd", "ResultsHandler", "ResumePoint", "SolveMiddle", "StateDeterminism", "StopEarly", "TwoReadouts",
        "Worklist", "batch_per_process", "begin_network", "device_of_process", "end_in_one_line", "join_processes",
        "load_data_list", "parameter_groups", "spread_network", "start_network",
    ),
}  # fmt: skip
# As bundles up to 0.2.0 name them.
_OURS_FORMERLY = {
    "nodulus.transforms.augment": ("RandNodulePatchd",),
    "nodulus.transforms.dictionary": ("FillOutsideBoxd", "LoadCTd", "NodulePatchd", "OpenCTd"),
    "nodulus.pipeline.data_list": ("load_data_list",),
    "nodulus.pipeline.evaluation": ("EvaluationReport",),
    "nodulus.pipeline.ratings_loss": ("RatingsLoss",),
    "nodulus.pipeline.reading": ("NoduleFactsd", "ReadOutputsd"),
    "nodulus.pipeline.results_handler": ("ResultsHandler",),
    "nodulus.pipeline.training_handlers": (
        "EpochLog", "EpochSeed", "KeepBest", "ResumePoint", "StateDeterminism", "StopEarly",
    ),
    "nodulus.pipeline.worklist": ("Worklist",),
}  # fmt: skip
# MONAI's, by the package that offers them; a config may leave the package out. None of these runs a string, loads a
# pickle, looks a class up by a string or fetches anything. Left out for one of these: PersistentDataset (pickles),
# SaveImage (writer), FlexibleUNet (backbone), resnet50 and its like (pretrained), SlidingWindowInfererAdapt's merger.
_MONAI = {
    "monai.transforms": (
        "Activations", "Activationsd", "AsDiscrete", "AsDiscreted", "BorderPad", "BorderPadd", "CastToType",
        "CastToTyped", "CenterSpatialCrop", "CenterSpatialCropd", "Compose", "ConcatItemsd", "CopyItemsd",
        "CropForeground", "CropForegroundd", "DeleteItemsd", "DivisiblePad", "DivisiblePadd", "EnsureChannelFirst",
        "EnsureChannelFirstd", "EnsureType", "EnsureTyped", "Flip", "Flipd", "Identity", "Identityd",
        "KeepLargestConnectedComponent", "KeepLargestConnectedComponentd", "Lambda", "Lambdad", "LoadImage",
        "LoadImaged", "NormalizeIntensity", "NormalizeIntensityd", "OneOf", "Orientation", "Orientationd",
        "RandAdjustContrast", "RandAdjustContrastd", "RandAffine", "RandAffined", "RandCropByPosNegLabel",
        "RandCropByPosNegLabeld", "RandFlip", "RandFlipd", "RandGaussianNoise", "RandGaussianNoised",
        "RandGaussianSharpend", "RandGaussianSmooth", "RandGaussianSmoothd", "RandRotate", "RandRotate90",
        "RandRotate90d", "RandRotated", "RandScaleIntensity", "RandScaleIntensityd", "RandShiftIntensity",
        "RandShiftIntensityd", "RandSpatialCrop", "RandSpatialCropd", "RandZoom", "RandZoomd", "Resize", "Resized",
        "ResizeWithPadOrCrop", "ResizeWithPadOrCropd", "ScaleIntensity", "ScaleIntensityRange",
        "ScaleIntensityRangePercentiles", "ScaleIntensityRangePercentilesd", "ScaleIntensityRanged",
        "ScaleIntensityd", "SelectItemsd", "Spacing", "Spacingd", "SpatialCrop", "SpatialCropd", "SpatialPad",
        "SpatialPadd", "SqueezeDim", "SqueezeDimd", "ThresholdIntensity", "ThresholdIntensityd", "ToTensor",
        "ToTensord", "Transpose", "Transposed",
    ),
    "monai.data": ("CacheDataset", "DataLoader", "Dataset", "DistributedSampler", "ThreadDataLoader"),
    "monai.engines": ("SupervisedEvaluator", "SupervisedTrainer"),
    "monai.handlers": (
        "CheckpointLoader", "LrScheduleHandler", "ROCAUC", "StatsHandler", "TensorBoardStatsHandler",
        "ValidationHandler",
    ),
    "monai.inferers": ("SimpleInferer", "SlidingWindowInferer"),
    "monai.losses": ("DiceCELoss", "DiceLoss", "FocalLoss"),
    "monai.networks.nets": (
        "AttentionUnet", "BasicUNet", "DenseNet", "DynUNet", "ResNet", "SegResNet", "UNETR", "UNet", "VNet", "ViT",
    ),
    "monai.optimizers": ("Novograd", "WarmupCosineSchedule"),
}  # fmt: skip
# What a RetinaNet of MONAI's detection is made of, and how its boxes are turned to world positions.
_DETECTION = {
    "monai.apps.detection.networks.retinanet_detector": ("RetinaNetDetector",),
    "monai.apps.detection.networks.retinanet_network": ("RetinaNet",),
    "monai.apps.detection.transforms.dictionary": (
        "AffineBoxToWorldCoordinated", "ClipBoxToImaged", "ConvertBoxModed", "ConvertBoxToStandardModed",
    ),
    "monai.apps.detection.utils.anchor_utils": ("AnchorGenerator", "AnchorGeneratorWithAnchorShape"),
    "monai.networks.blocks.backbone_fpn_utils": ("BackboneWithFPN",),
}  # fmt: skip
_OTHERS = {
    "torch.nn": ("BCEWithLogitsLoss", "CrossEntropyLoss", "L1Loss", "MSELoss"),
    "torch.optim": ("Adam", "AdamW", "SGD"),
    "torch.optim.lr_scheduler": ("CosineAnnealingLR", "ExponentialLR", "StepLR"),
    "torch.distributed": ("destroy_process_group",),
    "ignite.handlers": ("EMAHandler",),
    "ignite.metrics": ("Accuracy", "MeanAbsoluteError", "MeanSquaredError"),
}


def _dotted(*tables: dict[str, tuple[str, ...]]) -> Iterable[str]:
    return (f"{module}.{name}" for table in tables for module, names in table.items() for name in names)


TARGETS = frozenset(
    [
        *_dotted(_OURS, _OURS_FORMERLY, _MONAI, _DETECTION, _OTHERS),
        *(name for table in (_MONAI, _DETECTION) for names in table.values() for name in names),
    ]
)
MODES = frozenset(["default", "callable"])

# Readers that LoadImage may name, in its spelling; any other text is imported, and NumpyReader unpickles.
READERS = frozenset(["ITKReader", "NibabelReader", "NrrdReader", "PILReader", "PydicomReader"])

# What an import statement may bind, name by name: nothing may pass for something else.
IMPORTS = {
    "dist": "torch.distributed",
    "glob": "glob",
    "math": "math",
    "monai": "monai",
    "np": "numpy",
    "numpy": "numpy",
    "os": "os",
    "torch": "torch",
} | {
    name: name
    for name in ("ignite", "monai.data", "monai.handlers", "monai.transforms", "monai.utils", "os.path", "torch.nn")
}
# By their full names.
FUNCTIONS = frozenset(
    [
        "glob.glob",
        "math.ceil",
        "math.floor",
        "monai.apps.detection.networks.retinanet_network.resnet_fpn_feature_extractor",
        "monai.handlers.from_engine",
        "monai.networks.nets.resnet.resnet10",
        "monai.networks.nets.resnet.resnet18",
        "monai.networks.nets.resnet.resnet34",
        "monai.networks.nets.resnet.resnet50",
        "monai.utils.set_determinism",
        "os.path.basename",
        "os.path.dirname",
        "os.path.exists",
        "os.path.join",
        "torch.cuda.device_count",
        "torch.cuda.is_available",
        "torch.device",
        "torch.distributed.get_rank",
        "torch.distributed.get_world_size",
        "torch.distributed.is_initialized",
    ]
)
# Of those functions that fetch or open a file where they are told to: by this name, or by a place in the call.
REFUSED_ARGUMENTS = {
    f"monai.networks.nets.resnet.resnet{depth}": frozenset(["pretrained"]) for depth in (10, 18, 34, 50)
}
CONSTANTS = frozenset(
    [
        "math.pi",
        "torch.bfloat16",
        "torch.channels_last_3d",
        "torch.float16",
        "torch.float32",
        "torch.float64",
        "torch.int64",
        "torch.long",
        "torch.uint8",
    ]
)
ENVIRONMENT = frozenset(["LOCAL_RANK", "RANK", "WORLD_SIZE"])
BUILTINS = frozenset(
    ["abs", "bool", "dict", "enumerate", "float", "int", "len", "list", "max", "min", "range", "round", "set", "sorted",
     "str", "sum", "tuple", "zip"]
)  # fmt: skip
# Of what a config makes: modules never are (see `references_a_module`), so that no `os.replace` passes for a method.
ATTRIBUTES = frozenset(["device", "ema_model", "items", "shape", "type"])
METHODS = frozenset(
    ["check", "cpu", "cuda", "eval", "get", "items", "keys", "parameters", "run", "set_box_selector_parameters",
     "set_sliding_window_inferer", "set_target_keys", "state_dict", "to", "train", "values"]
)  # fmt: skip
