"""What each key of a config is, in a line: for the JSON Schema and the reference.

Beside schema.py, which says its type, its bounds and its default.
"""

from deepnet_cli.config.data_schema import (
    DataFile,
    DataSection,
    Fold,
    Fraction,
    NamedRows,
    OneHot,
    TrainFile,
)
from deepnet_cli.config.forms import Section
from deepnet_cli.config.schema import (
    BatchNormOptions,
    ComputeSection,
    Config,
    EarlyStopping,
    InitialParameters,
    LayerNormOptions,
    LayerSpec,
    ModelSection,
    OutputSection,
    Target,
    TrainingSection,
)

FILE = {
    "file": "An HDF5 file, a list of such, or a pattern; paths are relative to the config.",
    "x": "The dataset of examples, where it is not clear by itself.",
    "y": "The dataset of labels, where it is not clear by itself.",
    "weights": "A dataset (m,) of how much each example counts in J.",
}

DESCRIPTIONS: dict[type[Section], dict[str, str]] = {
    DataFile: {**FILE, "file": f"{FILE['file'][:-1]}; null: that of data.train."},
    TrainFile: {
        **FILE,
        "groups": "A dataset (m,): rows with the same value stay together in what is split off.",
        "classes": "A dataset (K,) of the names of the classes, by index.",
        "times": "A dataset (m,) of numbers, or of dates such as 2024-01-31: when each row came.",
        "rows": "A dataset of the numbers of the rows to train on, from 0, or a mask (m,).",
    },
    NamedRows: {
        "rows": "A dataset of the numbers of rows of data.train, from 0, or a mask (m,).",
        "file": "The HDF5 file it is in; null: that of data.train.",
    },
    Fold: {
        "fold": "Which of the parts is held out, from 1.",
        "of": "How many equal parts the training examples are dealt into.",
        "stratify": "Whether each class gives its share to each part.",
        "take": "last: in order of time, of one part more, part fold + 1 is held out and those "
        "before it are trained on; auto: that where data.train.times is named, else random.",
    },
    Fraction: {
        "fraction": "The part of the training examples that is held out.",
        "stratify": "Whether each class gives its share.",
        "take": "last: the examples that came last; auto: that where data.train.times is named, "
        "else random.",
    },
    OneHot: {
        "columns": "By name or by number, from 0.",
        "unknown": "What becomes of a category that the training part has not: zeros, or refused.",
    },
    DataSection: {
        "train": "The examples to train on: a file, or where in it they stand.",
        "validation": "Measured while training: a file, or rows, a fraction or a fold of those.",
        "test": "Measured once, at the end: a file, or rows, a fraction or a fold of those.",
        "examples": "Which axis of x counts examples.",
        "scale": "How features are scaled, fitted on the training part; initial: all that is done "
        "to x as in the model.h5 of model.initial_parameters.",
        "impute": "What missing values (NaN) become, fitted on the training part.",
        "missing": "Values in x that mean missing, as NaN does.",
        "one_hot": "Columns of x that name categories: each category becomes a feature of 0 and 1.",
        "scale_y": "Whether numbers are learned in their own units, or each output with mean 0 and "
        "deviation 1; predictions and figures are in those of y.",
        "stream": "Whether x stays in its file and is read while training goes on; auto: where "
        "it does not fit in memory.",
    },
    BatchNormOptions: {
        "epsilon": "Added to the variance before its root is taken.",
        "momentum": "The part by which a batch moves the running mean and variance.",
    },
    LayerNormOptions: {
        "epsilon": "Added to the variance before its root is taken.",
    },
    LayerSpec: {
        "units": "n[l], the outputs of the layer.",
        "activation": "g[l], in place of an entry of model.activations.",
        "dropout": "The rate at which the units of a hidden layer are dropped while training.",
        "alpha_dropout": "The same, keeping mean and variance as selu needs them.",
        "batch_norm": "Whether Z is normalized over the batch before g, or with which options.",
        "layer_norm": "Whether Z is normalized over the units of each example, in its place.",
        "l2": "Lambda of this layer's W, in place of training.l2.",
        "l1": "Lambda of this layer's W, in place of training.l1.",
        "max_norm": "The largest norm of a row of this layer's W, in place of training.max_norm.",
        "trainable": "Whether the layer is trained; else it is frozen and stays as it is.",
        "rate_factor": "Its learning rate is so many times that of training.",
    },
    InitialParameters: {
        "file": "An HDF5 file with W1, b1, W2, ...; its path is relative to the config.",
        "layers": "So many are read, from the first on, and those behind drawn; null: all.",
    },
    ModelSection: {
        "layers": "n[1] ... n[L], as numbers or with a layer's options; n[0] is the data's.",
        "activations": "g[1] ... g[L], or one for all hidden layers; the last then follows.",
        "initialization": "How the first weights are drawn; auto: as suits each activation.",
        "initial_parameters": "An HDF5 file with W1, b1, W2, ... to start from.",
        "input_dropout": "The rate at which entries of the input are dropped while training.",
        "input_noise": "The standard deviation of noise added to the scaled input while training.",
    },
    EarlyStopping: {
        "monitor": "The figure that is watched: cost, a metric asked for, or val_ before either.",
        "patience": "How many rows of the history in a row may bring no improvement.",
        "min_delta": "What counts as one: a change by more than this.",
    },
    Target: {
        "monitor": "What is to be reached: cost, a metric asked for, or val_ before either.",
        "value": "How good it is to be.",
    },
    TrainingSection: {
        "optimizer": "The update rule.",
        "learning_rate": "The rate of every update, or its schedule.",
        "iterations": "The number of updates; 2500 where epochs is not given either.",
        "epochs": "In place of iterations: how often every example is used.",
        "batch_size": "The examples of an update; the last batch of an epoch may be smaller.",
        "shuffle": "Whether each epoch has a new order, a function of (seed, epoch).",
        "l2": "lambda: adds lambda/(2m) sum W^2 to J.",
        "l1": "lambda: adds lambda/m sum |W| to J.",
        "clip_norm": "The most that the norm of the gradient over all parameters may be.",
        "max_norm": "The largest norm that a row of W may have after an update.",
        "mixup": "alpha: each batch is mixed with itself by a share drawn from Beta(alpha, alpha).",
        "clip_value": "The most that any entry of the gradient may be, up or down.",
        "averaging": "Which average of the parameters is validated and kept, in place of the last.",
        "early_stopping": "Stop when a figure of the validation set no longer improves.",
        "metrics": "Measured on the batches as they go by and, as val_, on the validation set.",
        "target": "Stop at the first row of the history with a figure as good as this.",
        "max_time": "Stop after so long: seconds, or 30m, 2h, 1h30m, 2d.",
        "log_every": "Iterations from one row of the history to the next; auto: about 50 rows.",
    },
    ComputeSection: {
        "precision": "Of all arrays and arithmetic; mixed: float32, large products in bfloat16.",
        "threads": "How many multiply matrices; auto: as suits the size of the products.",
        "reduce": "auto: train in the span of the examples where that is exact and pays.",
    },
    OutputSection: {
        "directory": "Where run directories are made.",
        "plots": "Whether to write cost.png.",
        "checkpoint_every": "Iterations between checkpoints; auto: after 2 seconds, then every 30.",
        "tensorboard": "Whether to write the rows of the history as TensorBoard's events, too.",
        "jsonl": "Whether to write them as JSON lines, history.jsonl, too.",
    },
    Config: {
        "version": "Of this vocabulary.",
        "name": "How runs are called; default: the config's file name.",
        "seed": "All randomness is a function of it.",
        "data": "The examples.",
        "model": "The network.",
        "loss": "J; auto: the loss that fits the output activation.",
        "training": "How J is made small.",
        "compute": "How numbers are computed.",
        "output": "What a run writes.",
    },
}
