"""The forms in which a value can be written, in words."""

from deepnet_cli.config.document import Path

HELD_OUT_FORMS = "a FILE, {x: NAME, y: NAME}, {rows: NAME}, {fraction: 0.1} or {fold: 1, of: 5}"

FORMS: dict[Path, str] = {
    ("data", "train"): "a FILE or {file: FILE, x: NAME, y: NAME}",
    ("data", "validation"): HELD_OUT_FORMS,
    ("data", "test"): HELD_OUT_FORMS,
    ("data", "scale"): "a number, a name or {log1p: standardize}",
    ("data", "impute"): "a name or {constant: 0}",
    ("data", "missing"): "a number or a list such as [-999, 9999]",
    ("data", "one_hot"): "a list such as [color, 3] or {columns: [color, 3], unknown: zeros}",
    ("loss",): "a name or {name: NAME}",
    ("loss", "tau"): "a number, or several that ascend: [0.1, 0.5, 0.9]",
    ("loss", "class_weight"): "balanced or a number for each class: {cat: 3.0, dog: 1.0}",
    ("training", "optimizer"): "a name or {name: NAME, option: value}",
    ("training", "averaging"): "a name or {name: NAME, option: value}",
    ("training", "learning_rate"): "a number or {schedule: NAME, initial: RATE}",
    ("training", "learning_rate", "points"): "pairs of a count and a rate: [[1000, 0.01]]",
    ("training", "metrics"): "a list such as [accuracy, f1]",
    ("training", "early_stopping"): "a mapping such as {patience: 20}",
    ("training", "max_time"): "seconds, or text such as 30m, 1h30m or '1:30:00'",
    ("training", "target"): "a mapping such as {monitor: val_accuracy, value: 0.98}",
    ("model", "activations"): "a name or {name: NAME, option: value}, or a list of these",
    ("model", "layers", "activation"): "a name or {name: NAME, option: value}",
    ("model", "initialization"): "a name or {NAME: value}",
    ("model", "initial_parameters"): "a FILE or {file: FILE, layers: 2}",
    ("model", "layers", "batch_norm"): "true, false or {epsilon: 1e-5, momentum: 0.1}",
    ("model", "layers", "layer_norm"): "true, false or {epsilon: 1e-5}",
}
"""What may stand where several forms are allowed; layers are not counted."""
