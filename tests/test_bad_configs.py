"""Bad configs and what each meets: `FILE:LINE:COL: KEY: PROBLEM; FIX`, the line and a caret.

In the tables « and » stand around what the message must point at (« » » with nothing between
them: only where).  A word after `!` must not be in the message.
"""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
from cli import (
    BRIEF,
    LAYERS,
    Result,
    assert_refused,
    assert_says,
    config,
    deepnet,
    write_train_h5,
)

from deepnet_cli.config.overrides import override
from deepnet_cli.config.yaml_reader import parse
from deepnet_cli.errors import escaped


@dataclass(frozen=True)
class Mark:
    """Where a message must point: line and column from 1, and the text of the line."""

    line: int
    column: int
    text: str


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work beside a good data file."""
    monkeypatch.chdir(tmp_path)
    write_train_h5(tmp_path / "train.h5")


def marked(text: str) -> tuple[str, list[Mark]]:
    """The text without its marks, and the marks."""
    plain, starts, marks = "", [0], []
    for piece in re.split("([«»])", text):
        if piece == "«":
            starts.append(len(plain))
        elif piece == "»":
            before = plain[: starts[-1]]
            column = len(before) - (before.rfind("\n") + 1) + 1
            marks.append(Mark(before.count("\n") + 1, column, plain[starts[-1] :]))
        else:
            plain += piece
    return plain, marks


def train(content: str | bytes, *options: str) -> Result:
    """`deepnet train c.yaml` on a config of this content."""
    Path("c.yaml").write_bytes(content.encode() if isinstance(content, str) else content)
    result = deepnet("train", "c.yaml", "-q", *options)
    assert len(heads(result.err)) <= 20
    return result


def heads(err: str) -> list[str]:
    """The first line of each problem."""
    return [line for line in err.splitlines() if re.match(r"c\.yaml[:]|--set ", line)]


def block_at(err: str, mark: Mark, content: str) -> str:
    """The problem told at a mark; its source line and caret are right."""
    lines = err.splitlines()
    head = f"c.yaml:{mark.line}:{mark.column}:"
    found = [i for i, line in enumerate(lines) if line.startswith(f"{head} ")]
    assert found, f"nothing at {head}\n{err}"
    told = lines[found[0]]
    source = content.split("\n")[mark.line - 1].removesuffix("\r")
    if mark.column > 100:
        return told
    line, caret = lines[found[0] + 1 : found[0] + 3]
    assert line.rstrip() == f"{mark.line:5} | {escaped(source.replace(chr(9), ' '))[:120]}".rstrip()
    at = len(f"{mark.line:5} | {escaped(source[: mark.column - 1])}")
    assert caret.rstrip("^") == f"{'|':>7}{'':{at - 7}}", err
    if mark.text[:1] not in ("", "[", "{") and len(source) < 100:
        assert len(caret) == at + len(mark.text), err
    return told


TRAINING = {
    # 2-15: numbers, words and YAML 1.1's traps
    "number_overflows": ("learning_rate: «1.0e+400»", "learning_rate", "overflows", "1e308"),
    "number_without_point_overflows": ("learning_rate: «1e400»", "overflows", "1e308"),
    "rate_nan": ("learning_rate: «.nan»", "finite"),
    "rate_infinite": ("learning_rate: «.inf»", "finite"),
    "rate_minus_infinite": ("learning_rate: «-.inf»", "finite"),
    "rate_word_nan": ("learning_rate: «nan»", "expected a number", "text 'nan'", "!quotes"),
    "rate_word_inf": ("learning_rate: «inf»", "expected a number", "text 'inf'", "!quotes"),
    "rate_negative": ("learning_rate: «-0.1»", "must be > 0"),
    "rate_zero": ("learning_rate: «0»", "must be > 0"),
    "rate_true": ("learning_rate: «true»", "expected a number", "found true"),
    "rate_quoted": ('learning_rate: «"0.01"»', "expected a number", "remove the quotes"),
    "rate_text": ("learning_rate: «fast»", "expected a number", "'fast'", "!quotes"),
    "rate_list": ("learning_rate: «[0.1]»", "expected a number", "a list"),
    "rate_nothing": ("learning_rate:«»", "expected a number", "found nothing"),
    "schedule_unknown": (
        "learning_rate: {schedule: «cosin», initial: 0.1}",
        "'cosin'",
        "did you mean 'cosine'",
    ),
    "schedule_is_no_name": (
        "learning_rate: «{name: cosine, initial: 0.1}»",
        "training.learning_rate",
        "{schedule: NAME, initial: RATE}",
    ),
    "schedule_without_initial": ("«learning_rate»: {schedule: cosine}", "initial", "missing"),
    "schedule_option_unknown": (
        "learning_rate: {schedule: step, initial: 0.1, every: 5, «factr»: 0.5}",
        "training.learning_rate.factr: unknown key",
        "did you mean 'factor'",
    ),
    "schedule_option_missing": (
        "«learning_rate»: {schedule: step, initial: 0.1}",
        "training.learning_rate.every",
        "missing",
    ),
    "schedule_initial_zero": ("learning_rate: {schedule: cosine, initial: «0»}", "must be > 0"),
    "schedule_by_days": (
        "learning_rate: {schedule: cosine, initial: 0.1, by: «epochs»}",
        "expected 'iteration' or 'epoch'".replace("'", ""),
        "did you mean 'epoch'",
    ),
    "schedule_points_no_list": (
        "learning_rate: {schedule: piecewise, initial: 0.1, points: «5»}",
        "[[1000, 0.01]]",
    ),
    "schedule_points_none": (
        "learning_rate: «{schedule: piecewise, initial: 0.1, points: []}»",
        "needs points",
    ),
    "schedule_point_without_rate": (
        "learning_rate: {schedule: piecewise, initial: 0.1, points: [«[5]»]}",
        "points[0]",
        "missing",
    ),
    "schedule_point_of_three": (
        "learning_rate: {schedule: piecewise, initial: 0.1, points: [«[5, 0.1, 2]»]}",
        "points[0]",
        "[[1000, 0.01]]",
        "found a list",
    ),
    "schedule_point_no_count": (
        "learning_rate: {schedule: piecewise, initial: 0.1, points: [[«0.5», 0.1]]}",
        "points[0][0]",
        "whole number",
    ),
    "schedule_points_fall": (
        "learning_rate: «{schedule: piecewise, initial: 0.1, points: [[5, 0.1], [5, 0.01]]}»",
        "must rise",
    ),
    "schedule_point_rate_zero": (
        "learning_rate: «{schedule: piecewise, initial: 0.1, points: [[5, 0]]}»",
        "must be > 0",
    ),
    "clip_zero": ("clip_norm: «0»", "clip_norm", "must be > 0"),
    "clip_text": ("clip_value: «much»", "expected a number"),
    "rate_comma": ("learning_rate: «0,1»", "expected a number", "!quotes"),
    "epochs_fraction": ("epochs: «5.5»", "expected a whole number", "5.5"),
    "epochs_5_0": ("epochs: «5.0»", "expected a whole number", "5.0"),
    "epochs_negative": ("epochs: «-3»", "training.epochs", ">= 1"),
    "epochs_zero": ("epochs: «0»", "training.epochs", ">= 1"),
    "epochs_too_many": ("epochs: «10000001»", "10,000,000"),
    "iterations_quoted": ("iterations: «'2'»", "whole number", "quotes"),
    "integer_out_of_range": ("epochs: «99999999999999999999999999»", "integer out of range"),
    "integer_of_5000_digits": (f"epochs: «{'9' * 5000}»", "out of range"),
    "shuffle_no": ("shuffle: «no»", "true or false", "'no'"),
    "shuffle_off": ("shuffle: «off»", "true or false"),
    "shuffle_yes": ("shuffle: «yes»", "true or false"),
    "shuffle_on": ("shuffle: «on»", "true or false"),
    "shuffle_1": ("shuffle: «1»", "true or false"),
    "key_on": ("«on»: 1", "training.on: unknown key"),
    # 17-19: keys
    "key_twice": (
        "learning_rate: 0.1\nl2: 0\n«learning_rate»: 0.2",
        "learning_rate",
        "twice",
        "line 7",
    ),
    "key_twice_quoted": ('learning_rate: 0.1\n«"learning_rate"»: 0.2', "twice", "line 7"),
    "unknown_key": (
        "«lerning_rate»: 0.1",
        "training.lerning_rate: unknown key",
        "did you mean 'learning_rate'",
    ),
    "unknown_key_nothing_near": ("«qqqqqq»: 0.1", "unknown key", "known", "learning_rate"),
    "key_of_another_section": ("«layers»: [4]", "unknown key", "under 'model'"),
    "key_in_capitals": ("«Learning_Rate»: 0.1", "did you mean 'learning_rate'"),
    "unknown_key_in_early_stopping": (
        "early_stopping: {«patiense»: 3}",
        "training.early_stopping.patiense: unknown key",
        "did you mean 'patience'",
    ),
    "unknown_option": (
        "optimizer: {name: adam, «beta_1»: 0.9}",
        "training.optimizer.beta_1: unknown key",
        "did you mean 'beta1'",
    ),
    # what each key takes
    "optimizer_unknown": ("optimizer: «adma»", "'adma'", "did you mean 'adam'"),
    "optimizer_unknown_in_mapping": ("optimizer: {name: «adm»}", "'adm'", "did you mean 'adam'"),
    "optimizer_number": ("optimizer: «3»", "training.optimizer", "name"),
    "optimizer_list": ("optimizer: «[adam]»", "training.optimizer", "name"),
    "optimizer_without_name": (
        "optimizer: «{beta1: 0.9, beta2: 0.99}»",
        "training.optimizer",
        "name",
    ),
    "option_out_of_bounds": ("optimizer: {name: adam, beta1: «1.5»}", "beta1", "< 1"),
    "batch_size_word": ("batch_size: «ful»", "training.batch_size", "full", "!<word>"),
    "batch_size_zero": ("batch_size: «0»", "batch_size", ">= 1"),
    "batch_size_fraction": ("batch_size: «2.5»", "batch_size", "whole number"),
    "l2_negative": ("l2: «-0.1»", "l2", ">= 0"),
    "log_every_zero": ("log_every: «0»", "log_every", ">= 1"),
    "iterations_and_epochs": ("iterations: 5\nepochs: «5»", "not both"),
    "early_stopping_word": ("early_stopping: «true»", "early_stopping", "mapping"),
    "early_stopping_unwatched": ("early_stopping: «{patience: 3}»", "validation", "fraction"),
    "early_stopping_unknown_figure": (
        "early_stopping: {monitor: «val_cots»}",
        "val_cots",
        "did you mean 'val_cost'",
    ),
    "patience_zero": ("early_stopping: {patience: «0»}", "patience", ">= 1"),
    "early_stopping_of_one_figure_unwatched": (
        "early_stopping: «{monitor: val_accuracy}»",
        "val_accuracy needs a validation set",
        "monitor: cost",
    ),
    "target_alone": ("target: «0.9»", "training.target", "{monitor: val_accuracy, value: 0.98}"),
    "target_without_value": ("«target»: {monitor: cost}", "training.target.value: missing"),
    "target_unknown_figure": (
        "target: {monitor: «val_acuracy», value: 1}",
        "training.target.monitor: unknown figure",
        "did you mean 'val_accuracy'",
    ),
    "target_unwatched": (
        "target: «{monitor: val_accuracy, value: 1}»",
        "training.target: val_accuracy needs a validation set",
    ),
    "max_time_zero": ("max_time: «0»", "training.max_time", "> 0"),
    "max_time_of_no_length": ("max_time: «0m»", "training.max_time", "> 0"),
    "max_time_unknown_unit": ("max_time: «30 weeks»", "training.max_time", "30m", "'30 weeks'"),
    "max_time_of_two_numbers": ("max_time: «'1:30'»", "training.max_time", "'1:30:00'"),
    "max_time_as_yaml_1_1_reads_it": ("max_time: «1:30:00»", "ambiguous", "quote"),
    "max_time_quoted": ("max_time: «'90'»", "training.max_time", "remove the quotes"),
    "max_time_list": ("max_time: «[90]»", "training.max_time", "30m", "found a list"),
    "schedule_alone": (
        "learning_rate: «cosine»",
        "expected a number or {schedule: NAME, initial: RATE}",
        "write {schedule: cosine, initial: 0.01}",
    ),
    "schedule_alone_misspelled": (
        "learning_rate: «stepp»",
        "'stepp'",
        "write {schedule: step, initial: 0.01, every: ...}",
    ),
    "no_schedule_at_all": ("learning_rate: «fast»", "found text 'fast'", "!write"),
    "plateau_by_another_name": (
        "learning_rate: {schedule: «plateau», initial: 0.1}",
        "did you mean 'reduce_on_plateau'",
    ),
    "plateau_below": (
        "learning_rate: «{schedule: reduce_on_plateau, initial: 0.1, minimum: 1}»",
        "minimum 1 is above the initial rate",
    ),
    "plateau_unwatched": (
        "learning_rate: «{schedule: reduce_on_plateau, initial: 0.1, monitor: val_cost}»",
        "val_cost needs a validation set",
    ),
    "plateau_of_nothing": (
        "learning_rate: {schedule: reduce_on_plateau, initial: 0.1, monitor: «val_lost»}",
        "did you mean 'val_cost'",
    ),
    # 26-33, 42, 43: what YAML can do and a config may not
    "anchor": ("learning_rate: «»&a 0.1", "&", "not supported"),
    "alias": ("learning_rate: «*a»", "alias", "write"),
    "recursion": ("optimizer: «»&x [*x]", "not supported"),
    "merge": ("«<<»: {l2: 1}", "<<", "not supported"),
    "merge_of_alias": ("«<<»: *base", "<<", "not supported"),
    "tag_python": ("learning_rate: «»!!python/object/apply:os.system [ls]", "tag", "not supported"),
    "tag_binary": ("learning_rate: «»!!binary aGk=", "tag", "not supported"),
    "tag_set": ("optimizer: «»!!set {a}", "tag", "not supported"),
    "tag_own": ("learning_rate: «»!foo 1", "tag", "not supported"),
    "tag_float": ("learning_rate: «»!!float 1", "tag", "not supported"),
    "key_number": ("«1»: 2", "training.1: unknown key"),
    "key_null": ("«null»: 2", "training.null: unknown key"),
    "key_list": ("? «»[a]\n: 2", "key", "plain text"),
    "value_equals": ("learning_rate: «=»", "expected a number", "'='"),
    "value_merge": ("learning_rate: «<<»", "expected a number", "'<<'"),
    "nested_1000_deep": (f"optimizer: {'[' * 19}«»{'[' * 981}", "deeper than 20"),
    # 38, 39: syntax
    "list_not_closed": ("optimizer: «»[adam\nl2: 0", "not closed"),
    "mapping_not_closed": ("optimizer: «»{name: adam\nl2: 0", "not closed"),
    "quote_not_closed": ('optimizer: «"»adam\nl2: 0', "not closed"),
    "no_space_after_colon": ("learning_rate: 0.1\nl2«:»0", "space after ':'"),
    "no_break_space": ("l2: 0\nlearning_rate«:»\u00a00.1", "space after ':'"),
    "line_without_colon": ("learning_rate: 0.1\n«»l2\nl1: 0", "':'"),
    "two_colons": ("learning_rate: 0.1«»: 2", "':'"),
    # what is shown
    "key_with_escape": (r'«"\e[31mx"»: 1', "unknown key", r"\x1b[31mx"),
    "value_with_escape": (r'optimizer: «"\e[2Jadam"»', r"\x1b[2Jadam"),
    "key_with_newline": (r'«"a\nc.yaml:1:1: b"»: 1', "unknown key", r"a\nc.yaml"),
    "caret_after_invisible": ('early_stopping: {monitor: "a\u200bb", «patiense»: 1}', "'patience'"),
    "caret_after_umlaut": ('early_stopping: {monitor: "ä", patience: «0»}', ">= 1"),
    "very_long_value": (f"learning_rate: «{'a' * 10_000}»", "expected a number"),
    "very_long_key": (f"«{'k' * 1000}»: 1", "unknown key"),
    "surrogate": (r'optimizer: «"\ud800"»', "optimizer"),
}
"""Lines of the training section, which begins on line 7."""

MODEL = {
    "activation_in_capitals": (
        "layers: [4, 3]\nactivations: [«Relu», softmax]",
        "model.activations[0]",
        "'Relu'",
        "did you mean 'relu'",
    ),
    "activation_unknown": (
        "layers: [4, 3]\nactivations: [«qqq», softmax]",
        "'qqq'",
        "relu",
        "tanh",
        "!did you mean",
    ),
    "activation_number": (
        "layers: [4, 3]\nactivations: [«3», softmax]",
        "model.activations[0]: expected a name or {name: NAME, option: value}",
    ),
    "activation_of_a_layer_number": (
        "layers: [{units: 4, activation: «3»}, 3]",
        "model.layers[0].activation: expected a name or {name: NAME, option: value}",
    ),
    "activation_option_unknown": (
        "layers: [4, 3]\nactivations: [{name: leaky_relu, «slop»: 0.2}, softmax]",
        "model.activations[0].slop: unknown key",
        "did you mean 'slope'",
    ),
    "activation_option_of_another": (
        "layers: [4, 3]\nactivations: [{name: elu, «slope»: 0.2}, softmax]",
        "model.activations[0].slope: elu has no such option",
        "one of alpha",
        "!beta",
    ),
    "activation_without_options": (
        "layers: [4, 3]\nactivations: [{name: tanh, «slope»: 0.2}, softmax]",
        "model.activations[0].slope: tanh has no such option",
        "it has none",
    ),
    "activation_without_a_first_option": (
        "layers: [4, 3]\nactivations: [{«relu»: 0.2}, softmax]",
        "model.activations[0].relu: unknown key",
        "no options here",
    ),
    "activation_option_of_a_layer": (
        "layers: [{units: 4, activation: {name: elu, «alhpa»: 1}}, 3]",
        "model.layers[0].activation.alhpa: unknown key",
        "did you mean 'alpha'",
    ),
    "activation_option_too_large": (
        "layers: [4, 3]\nactivations: [{name: leaky_relu, slope: «2»}, softmax]",
        "model.activations[0].slope: must be <= 1, found 2",
    ),
    "activation_option_negative": (
        "layers: [4, 3]\nactivations: [{leaky_relu: «-0.1»}, softmax]",
        "model.activations[0].leaky_relu: must be >= 0, found -0.1",
    ),
    "activation_option_zero": (
        "layers: [4, 3]\nactivations: {celu: «0»}",
        "model.activations.celu: must be >= 0.001, found 0",
    ),
    "activation_option_text": (
        "layers: [4, 3]\nactivations: {name: softplus, beta: «large»}",
        "model.activations.beta: expected a number",
        "'large'",
    ),
    "activation_with_option_unknown": (
        "layers: [4, 3]\nactivations: [{«leeky_relu»: 0.2}, softmax]",
        "unknown activation 'leeky_relu'; did you mean 'leaky_relu'?",
        "--code",
    ),
    "activation_named_unknown": (
        "layers: [4, 3]\nactivations: [{name: «leeky_relu», slope: 0.2}, softmax]",
        "model.activations[0].name: unknown activation 'leeky_relu'; did you mean 'leaky_relu'?",
    ),
    "activation_without_a_name": (
        "layers: [4, 3]\nactivations: [«{slope: 0.2, alpha: 1}», softmax]",
        "expected a name or {name: NAME, option: value}",
    ),
    "softmax_with_options": (
        "layers: [4, 3]\nactivations: [relu, {name: softmax, «alpha»: 1}]",
        "softmax has no such option (it has none)",
    ),
    "softmax_hidden_by_name": (
        "layers: [4, 3]\nactivations: [«{name: softmax}», softmax]",
        "output layer",
    ),
    "activation_for_hidden_unknown": ("layers: [4, 3]\nactivations: «tnah»", "did you mean 'tanh'"),
    "activations_mapping": (
        "layers: [4, 3]\nactivations: {«a»: relu}",
        "model.activations.a: unknown activation 'a'",
    ),
    "initialization_without_options": (
        "layers: [4, 3]\ninitialization: {«zeros»: 1}",
        "model.initialization.zeros: unknown key",
        "no options here",
    ),
    "activations_too_many": (
        "layers: [4, 3]\nactivations: «[relu, relu, softmax]»",
        "3 activations for 2 layers",
    ),
    "activations_too_few": ("layers: [4, 5, 3]\nactivations: «[relu]»", "1 activation", "3 layers"),
    "activation_named_twice": (
        "layers: [{units: 4, activation: «tanh»}, 3]\nactivations: [relu, softmax]",
        "model.layers[0].activation",
        "keep one",
    ),
    "softmax_hidden": ("layers: [4, 3]\nactivations: [«softmax», softmax]", "output layer"),
    "softmax_with_one_unit": (
        "layers: [4, 1]\nactivations: [relu, «softmax»]",
        "model.activations[1]",
        "one unit",
        "sigmoid",
    ),
    "softmax_with_one_unit_in_layer": (
        "layers: [4, {units: 1, activation: «softmax»}]",
        "model.layers[1].activation",
        "sigmoid",
    ),
    "two_outputs_three_classes": (f"{LAYERS.replace('3', '«2»')}", "3 classes", "2"),
    "layers_text": ("layers: «4, 5»", "model.layers", "a list", "[64, 10]"),
    "layers_without_comma": (
        "layers: [«4 5»]",
        "model.layers[0]",
        "whole number",
        "'4 5'",
        "!quotes",
    ),
    "layers_number": ("layers: «4»", "model.layers", "a list"),
    "layers_empty": ("layers: «[]»", "model.layers", "empty"),
    "layers_zero": ("layers: [«0»]", "model.layers[0]", ">= 1"),
    "layers_negative": ("layers: [4, «-1»]", "model.layers[1]", ">= 1"),
    "layers_fraction": ("layers: [«4.5», 3]", "model.layers[0]", "whole number"),
    "layers_nested": ("layers: [«[4]», 3]", "model.layers[0]", "whole number"),
    "layer_without_units": (
        "layers: [«{activation: relu}», 3]",
        "model.layers[0]",
        "units",
        "missing",
    ),
    "layer_unknown_key": (
        "layers: [{units: 4, «activaton»: relu}, 3]",
        "model.layers[0].activaton: unknown key",
        "did you mean 'activation'",
    ),
    "layer_activation_unknown": (
        "layers: [{units: 4, activation: «tahn»}, 3]",
        "layers[0].activation",
        "'tahn'",
        "did you mean 'tanh'",
    ),
    "layers_too_large_for_memory": (
        "layers: «[1000000000, 1000000000]»",
        "needs about",
        "EiB",
        "available",
    ),
    "layers_1001": (f"layers: «[{'4, ' * 1001}3]»", "more than 1,000 layers"),
    "dropout_negative": (
        "layers: [{units: 4, dropout: «-0.1»}, 3]",
        "model.layers[0].dropout",
        "must be >= 0",
        "found -0.1",
    ),
    "dropout_1": ("layers: [{units: 4, dropout: «1»}, 3]", "layers[0].dropout", "must be < 1"),
    "dropout_1_0": ("layers: [{units: 4, dropout: «1.0»}, 3]", "must be < 1", "found 1.0"),
    "dropout_percent": ("layers: [{units: 4, dropout: «20%»}, 3]", "a number", "'20%'", "!quotes"),
    "dropout_text": ("layers: [{units: 4, dropout: «'a'»}, 3]", "expected a number", "text 'a'"),
    "dropout_quoted": (
        'layers: [{units: 4, dropout: «"0.2"»}, 3]',
        "a number",
        "remove the quotes",
    ),
    "dropout_true": ("layers: [{units: 4, dropout: «true»}, 3]", "expected a number", "found true"),
    "dropout_nan": ("layers: [{units: 4, dropout: «.nan»}, 3]", "finite"),
    "dropout_nothing": ("layers: [{units: 4, dropout:«»}, 3]", "a number", "found nothing"),
    "dropout_behind_the_output": (
        "layers: [4, {units: 3, dropout: «0.5»}]",
        "model.layers[1].dropout",
        "output layer",
        "hidden layers only",
    ),
    "dropout_misspelled": ("layers: [{units: 4, «drop_out»: 0.2}, 3]", "did you mean 'dropout'"),
    "dropout_of_the_model": (
        "layers: [4, 3]\n«dropout»: 0.2",
        "model.dropout: unknown key here",
        "belongs to a layer: {units: 64, dropout: ...}; or did you mean 'input_dropout'?",
    ),
    "l2_of_the_model": (
        "layers: [4, 3]\n«l2»: 0.2",
        "model.l2: unknown key here; it belongs under 'training'",
    ),
    "batch_norm_number": (
        "layers: [{units: 4, batch_norm: «3»}, 3]",
        "model.layers[0].batch_norm",
        "expected true, false or {epsilon: 1e-5, momentum: 0.1}",
        "found 3",
    ),
    "batch_norm_text": (
        "layers: [{units: 4, batch_norm: «yes please»}, 3]",
        "expected true, false or {epsilon",
        "text 'yes please'",
    ),
    "batch_norm_yes": ("layers: [{units: 4, batch_norm: «yes»}, 3]", "true, false", "text 'yes'"),
    "batch_norm_list": ("layers: [{units: 4, batch_norm: «[1]»}, 3]", "true, false", "a list"),
    "batch_norm_nothing": (
        "layers: [{units: 4, batch_norm:«»}, 3]",
        "expected true, false or {epsilon",
        "found nothing",
    ),
    "batch_norm_epsilon_zero": (
        "layers: [4, {units: 3, batch_norm: {epsilon: «0»}}]",
        "model.layers[1].batch_norm.epsilon",
        "must be > 0, found 0",
    ),
    "batch_norm_momentum_2": (
        "layers: [{units: 4, batch_norm: {momentum: «2»}}, 3]",
        "model.layers[0].batch_norm.momentum",
        "must be <= 1, found 2",
    ),
    "batch_norm_momentum_zero": (
        "layers: [{units: 4, batch_norm: {momentum: «0»}}, 3]",
        "must be > 0, found 0",
    ),
    "batch_norm_misspelled_option": (
        "layers: [{units: 4, batch_norm: {«momentm»: 0.1}}, 3]",
        "model.layers[0].batch_norm.momentm: unknown key",
        "did you mean 'momentum'",
    ),
    "batch_norm_misspelled": (
        "layers: [{units: 4, «batchnorm»: true}, 3]",
        "did you mean 'batch_norm'",
    ),
    "batch_norm_of_the_model": (
        "layers: [4, 3]\n«batch_norm»: true",
        "model.batch_norm: unknown key here",
        "belongs to a layer: {units: 64, batch_norm: ...}",
    ),
    "layer_norm_number": (
        "layers: [{units: 4, layer_norm: «3»}, 3]",
        "model.layers[0].layer_norm",
        "expected true, false or {epsilon: 1e-5}, found 3",
    ),
    "layer_norm_with_momentum": (
        "layers: [{units: 4, layer_norm: {«momentum»: 0.1}}, 3]",
        "model.layers[0].layer_norm.momentum: unknown key",
    ),
    "layer_norm_epsilon_zero": (
        "layers: [{units: 4, layer_norm: {epsilon: «0»}}, 3]",
        "must be > 0, found 0",
    ),
    "layer_norm_of_one_unit": (
        "layers: [{units: 1, layer_norm: «true»}, 3]",
        "model.layers[0].layer_norm",
        "one unit",
        "use batch_norm, or more units",
    ),
    "two_norms": (
        "layers: [{units: 4, batch_norm: true, layer_norm: «true»}, 3]",
        "model.layers[0].layer_norm",
        "batch_norm or layer_norm, not both",
    ),
    "two_dropouts": (
        "layers: [{units: 4, dropout: 0.1, alpha_dropout: «0.1»}, 3]",
        "model.layers[0].alpha_dropout",
        "dropout or alpha_dropout, not both",
    ),
    "alpha_dropout_1": (
        "layers: [{units: 4, alpha_dropout: «1»}, 3]",
        "layers[0].alpha_dropout",
        "must be < 1",
    ),
    "alpha_dropout_behind_the_output": (
        "layers: [4, {units: 3, alpha_dropout: «0.5»}]",
        "model.layers[1].alpha_dropout",
        "output layer",
    ),
    "l2_of_a_layer_negative": (
        "layers: [{units: 4, l2: «-1»}, 3]",
        "model.layers[0].l2",
        "must be >= 0, found -1",
    ),
    "max_norm_of_a_layer_zero": (
        "layers: [{units: 4, max_norm: «0»}, 3]",
        "model.layers[0].max_norm",
        "must be > 0, found 0",
    ),
    "input_dropout_1": (f"{LAYERS}\ninput_dropout: «1»", "model.input_dropout", "must be < 1"),
    "input_noise_negative": (
        f"{LAYERS}\ninput_noise: «-0.1»",
        "model.input_noise",
        "must be >= 0, found -0.1",
    ),
    "input_noise_of_a_layer": (
        "layers: [{units: 4, «input_noise»: 0.1}, 3]",
        "input_noise: unknown key here; it belongs under 'model'",
    ),
    "initialization_unknown": (f"{LAYERS}\ninitialization: «xaviar»", "did you mean 'xavier'"),
    "initialization_negative": (f"{LAYERS}\ninitialization: {{normal: «-1»}}", "> 0"),
    "initialization_text": (f"{LAYERS}\ninitialization: {{normal: «big»}}", "expected a number"),
    "initial_parameters_list": (
        f"{LAYERS}\ninitial_parameters: «[1]»",
        "expected a FILE or {file: FILE, layers: 2}, found a list",
    ),
    "initial_parameters_layers": (
        f"{LAYERS}\ninitial_parameters: {{file: a.h5, layers: «3»}}",
        "model.initial_parameters.layers: 3 of 2 layers; leave it out",
    ),
    "initial_parameters_no_layer": (
        f"{LAYERS}\ninitial_parameters: {{file: a.h5, layers: «0»}}",
        "model.initial_parameters.layers: must be >= 1, found 0",
    ),
}
"""Lines of the model section."""

DATA = {
    "unknown_part": ("«tain»: train.h5\ntrain: train.h5", "did you mean 'train'"),
    "train_number": ("train: «5»", "data.train"),
    "train_unknown_key": ("train: {file: train.h5, «xx»: a}", "data.train.xx: unknown key"),
    "train_without_file": ("«train»: {x: x_train}", "data.train", "file", "missing"),
    "home": ("train: «~/x.h5»", "'~'", "full path"),
    "scale_unknown": ("train: train.h5\nscale: «standardise»", "did you mean 'standardize'"),
    "scale_of_no_model": (
        "train: train.h5\nscale: «initial»",
        "model.initial_parameters",
        "not there",
    ),
    "scale_zero": ("train: train.h5\nscale: «0»", "data.scale", "> 0", "!<value>"),
    "scale_list": (
        "train: train.h5\nscale: «[1, 2]»",
        "data.scale: expected a number, a name or {log1p: standardize}, found a list",
    ),
    "scale_then_unknown": (
        "train: train.h5\nscale: {log1p: «standardise»}",
        "data.scale.log1p",
        "did you mean 'standardize'",
    ),
    "impute_unknown": (
        "train: train.h5\nimpute: «meen»",
        "data.impute: unknown name 'meen'; did you mean 'mean'?",
    ),
    "impute_number": (
        "train: train.h5\nimpute: «0»",
        "data.impute: expected a name or {constant: 0}, found 0",
    ),
    "impute_constant_text": (
        "train: train.h5\nimpute: {constant: «zero»}",
        "data.impute.constant: expected a number, found text 'zero'",
    ),
    "impute_unknown_option": (
        "train: train.h5\nimpute: {name: mean, «indicator»: true}",
        "data.impute.indicator: unknown key; did you mean 'indicators'?",
    ),
    "missing_text": (
        "train: train.h5\nmissing: «none»",
        "data.missing: expected a number or a list such as [-999, 9999], found text 'none'",
    ),
    "missing_nan": (
        "train: train.h5\nmissing: [«.nan»]",
        "data.missing[0]: must be a finite number",
    ),
    "one_hot_empty": ("train: train.h5\none_hot: «[]»", "data.one_hot", "at least one entry"),
    "one_hot_name": (
        "train: train.h5\none_hot: «color»",
        "data.one_hot: expected a list such as [color, 3] or {columns: [color, 3], unknown: zeros}",
    ),
    "one_hot_negative": ("train: train.h5\none_hot: [«-1»]", "data.one_hot[0]: must be >= 0"),
    "one_hot_unknown": (
        "train: train.h5\none_hot: {columns: [1], unknown: «zero»}",
        "data.one_hot.unknown: expected refuse or zeros, found text 'zero'; did you mean 'zeros'?",
    ),
    "one_hot_beyond": (
        "train: train.h5\none_hot: [0, «4»]",
        "data.one_hot",
        "no column 4; its 4 columns are 0 to 3",
    ),
    "one_hot_twice": (
        "train: train.h5\none_hot: [2, «2»]",
        "data.one_hot",
        "2 is the same column as 2",
    ),
    "examples_unknown": (
        "train: train.h5\nexamples: «frist»",
        "first",
        "last",
        "did you mean 'first'",
    ),
    "fraction_one": (
        "train: train.h5\nvalidation: {fraction: «1»}",
        "data.validation.fraction",
        "< 1",
    ),
    "fraction_zero": ("train: train.h5\ntest: {fraction: «0»}", "data.test.fraction", "> 0"),
    "fraction_percent": ("train: train.h5\ntest: {fraction: «10%»}", "expected a number", "'10%'"),
    "fraction_bare": ("train: train.h5\ntest: «0.1»", "data.test", "fraction"),
    "fraction_unknown_key": (
        "train: train.h5\ntest: {fraction: 0.1, «stratified»: true}",
        "data.test.stratified: unknown key",
        "did you mean 'stratify'",
    ),
    "fraction_missing": (
        "train: train.h5\n«test»: {stratify: true}",
        "data.test",
        "fraction",
        "missing",
    ),
    "weights_of_the_section": (
        "train: train.h5\n«weights»: w",
        "data.weights: unknown key here",
        "goes with a file: {file: FILE, x: NAME, y: NAME, weights: NAME}",
    ),
    "weights_of_a_fraction": (
        "train: train.h5\ntest: {fraction: 0.1, «weights»: w}",
        "data.test.weights: does not go with fraction",
        "a FILE, {x: NAME, y: NAME}, {rows: NAME}, {fraction: 0.1} or {fold: 1, of: 5}",
        "!did you mean",
    ),
    "file_of_a_fraction": (
        "train: train.h5\ntest: {fraction: 0.1, «file»: train.h5}",
        "data.test.file: does not go with fraction",
        "give one of a FILE",
        "!did you mean",
    ),
    "fraction_and_fold": (
        "train: train.h5\ntest: {fold: 1, of: 5, «fraction»: 0.1}",
        "data.test.fraction: does not go with fold",
        "give one of",
        "!belongs",
    ),
    "x_of_rows": (
        "train: train.h5\ntest: {rows: r, «x»: x_test}",
        "data.test.x: does not go with rows",
    ),
    "groups_of_another_file": (
        "train: train.h5\nvalidation: {file: train.h5, «groups»: who}",
        "data.validation.groups: unknown key here",
        "goes with data.train",
        "!FILE",
    ),
    "stream_yes": (
        "train: train.h5\nstream: «yes»",
        "data.stream: expected auto or true or false, found text 'yes'",
    ),
    "take_unknown": (
        "train: train.h5\ntest: {fraction: 0.1, take: «lst»}",
        "data.test.take: expected auto or random or last",
        "did you mean 'last'",
    ),
    "strata_of_the_last": (
        "train: train.h5\ntest: {fraction: 0.1, take: last, stratify: «true»}",
        "data.test.stratify: take: last holds out what came last",
        "leave one",
    ),
    "strata_by_times": (
        "train: {file: train.h5, x: x_train, y: y_train, times: y_train}\n"
        "test: {fold: 1, of: 3, stratify: «true»}",
        "data.test.stratify: data.train.times",
    ),
    "y_alone": ("train: train.h5\ntest: «{y: y_test}»", "data.test: name a file, or x"),
    "rows_number": ("train: train.h5\ntest: {rows: «3»}", "data.test.rows", "text"),
    "rows_home": ("train: train.h5\ntest: {rows: r, file: «~/r.h5»}", "data.test.file", "'~'"),
    "weights_number": ("train: {file: train.h5, weights: «2»}", "data.train.weights", "text"),
    "fractions_leave_nothing": (
        "train: train.h5\nvalidation: {fraction: 0.5}\ntest: «{fraction: 0.5}»",
        "nothing to train on",
    ),
}
"""Lines of the data section."""

TOP = {
    # 12-14: ambiguous
    "octal": ("seed: «010»", "'010'", "ambiguous", "decimal"),
    "hexadecimal": ("seed: «0x10»", "ambiguous"),
    "octal_of_yaml_1_2": ("seed: «0o17»", "ambiguous"),
    "binary": ("seed: «0b11»", "ambiguous"),
    "underscores": ("seed: «1_000»", "ambiguous"),
    "base_60": ("seed: «1:30»", "ambiguous", "quote"),
    "base_60_twice": ("seed: «12:30:45»", "ambiguous", "quote"),
    "seed_negative": ("seed: «-1»", "seed", ">= 0"),
    "seed_too_large": ("seed: «9007199254740993»", "seed", "<= 9,007,199,254,740,992"),
    "seed_fraction": ("seed: «1.5»", "whole number"),
    "version_2": ("version: «2»", "version", "1"),
    "name_with_slash": ("name: «a/b»", "name", "'a/b'"),
    "name_up": ("name: «..»", "name", "'..'"),
    "name_number": ("name: «5»", "name", "text"),
    "name_empty": ('name: «""»', "name"),
    "unknown_section": (
        "«trainig»: {}",
        "c.yaml:10:1: trainig: unknown key",
        "did you mean 'training'",
    ),
    "key_of_a_section": ("«learning_rate»: 0.1", "unknown key", "under 'training'"),
    "section_text": ("compute: «float64»", "compute", "mapping"),
    "section_nothing": ("compute:«»", "compute", "mapping"),
    "precision_unknown": ("compute: {precision: «float46»}", "did you mean 'float64'"),
    "reduce_true": ("compute: {reduce: «true»}", "expected auto or false, found true"),
    "reduce_text": ("compute: {reduce: «no»}", "expected auto or false, found text 'no'"),
    "precision_number": ("compute: {precision: «64»}", "float32", "float64"),
    "loss_unknown": ("loss: «cross_entropi»", "did you mean 'cross_entropy'"),
    "loss_does_not_fit": ("loss: «binary_cross_entropy»", "softmax", "sigmoid", "cross_entropy"),
    "loss_number": ("loss: «5»", "loss", "name"),
    "second_document": ("«---»\nseed: 1", "second document"),
}
"""Lines at the top level."""

WHOLE = {
    "list": ("«»- a\n- b\n", "key: value"),
    "plain_text": ("«»hello\n", "key: value"),
    "no_space": ("«»a:1\n", "space after ':'"),
    "number": ("«»5\n", "key: value"),
    "nothing_in_a_mapping": ("«»{", "'{' is not closed"),
    "nothing_in_a_list": ("a: 1\nb: {x: «»[\n", "'[' is not closed"),
    "tab": ("data:\n«»\ttrain: train.h5\n", "tab", "spaces"),
    "windows_line_ends": (config(training="learning_rate: «0»").replace("\n", "\r\n"), "> 0"),
    "control_character": ("data:\n  train: «»\x07x\n", "control character", "0x07"),
    "nul": ("data:\n  «»\x00\n", "control character", "0x00"),
    "nested_100000_deep": (f"a: {'[' * 20}«»{'[' * 99_980}", "deeper than 20"),
    "billion_laughs": (
        "a: «»&a [x, x]\n"
        + "".join(f"{c}: &{c} [*{b}, *{b}]\n" for b, c in zip("abcdefgh", "bcdefghi", strict=True)),
        "not supported",
    ),
    "merge_bomb": (
        "a: «»&a {x: 1}\n"
        + "".join(
            f"{c}: &{c} {{<<: [{','.join([f'*{b}'] * 19)}]}}\n"
            for b, c in zip("abcd", "bcde", strict=True)
        ),
        "not supported",
    ),
    "batch_norm_of_single_examples": (
        config(
            model="layers: [{units: 4, batch_norm: true}, 3]",
            training="batch_size: «1»",
        ),
        "training.batch_size",
        "batch norm",
        "several examples",
        "2 or more",
    ),
    "mixup_of_single_examples": (
        config(training="{batch_size: 1, mixup: «0.2»}"),
        "training.mixup",
        "batch_size of 2 or more",
    ),
    "sigmoid_output_with_cross_entropy": (
        config(
            model="layers: [4, 3]\nactivations: [relu, sigmoid]", more="loss: «cross_entropy»\n"
        ),
        "cross_entropy",
        "sigmoid",
        "softmax",
        "binary_cross_entropy",
    ),
}
"""Whole configs."""

ROWS: dict[str, tuple[str, ...]] = {
    **{f"training-{name}": (config(training=row[0]), *row[1:]) for name, row in TRAINING.items()},
    **{f"model-{name}": (config(model=row[0]), *row[1:]) for name, row in MODEL.items()},
    **{f"data-{name}": (config(data=row[0]), *row[1:]) for name, row in DATA.items()},
    **{f"top-{name}": (config(more=f"{row[0]}\n"), *row[1:]) for name, row in TOP.items()},
    **WHOLE,
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_refused_at_its_place(row: tuple[str, ...]) -> None:
    content, (mark,) = marked(row[0])
    began = time.monotonic()
    result = train(content)
    assert time.monotonic() - began < 1.5
    assert_refused(result, 2, ())
    assert_says(block_at(result.err, mark, content), row[1:])
    assert len(heads(result.err)) == 1, result.err


UNPLACED = {
    "empty": ("", "empty", "data:", "model:"),
    "only_comments": ("# nothing\n# here\n", "empty"),
    "empty_document": ("---\n", "empty"),
    "empty_mapping": ("{}\n", "data", "model", "missing"),
    "no_data": ("model: {layers: [3]}\n", "data: missing", "train: path/to/file.h5"),
    "no_model": ("data: {train: train.h5}\n", "model: missing", "layers: [64, 10]"),
    "too_large": ("#" + "x" * 300_000, "larger than 256 KiB"),
    "bytes_of_latin_1": (b"seed: 1\nname: caf\xe9\n", "c.yaml:2:10:", "not UTF-8", "0xe9"),
    "utf_16": ("seed: 1\n".encode("utf-16"), "c.yaml:1", "not UTF-8", "save"),
    "hdf5_file": (b"\x89HDF\r\n\x1a\n" + bytes(600), "HDF5"),
    "no_train": (config(data="scale: none"), "data.train", "missing", "train: path/to/file.h5"),
    "data_nothing": ("data:\nmodel: {layers: [3]}\n", "data", "mapping"),
    "no_layers": (config(model="activations: relu"), "model.layers", "missing", "[64, 10]"),
    "optimizer_null": (config(training="optimizer:"), "training.optimizer", "name"),
}
"""Content with words, where the place is in the words or is the file itself."""


@pytest.mark.parametrize("row", UNPLACED.values(), ids=UNPLACED)
def test_refused(row: tuple[str | bytes, *tuple[str, ...]]) -> None:
    assert_refused(train(row[0]), 2, ("c.yaml", *row[1:]))


SEVERAL = {
    "unknown_keys_in_nested_sections": (
        config(
            data="train: {file: train.h5, «z»: a}\n«tset»: train.h5",
            model=f"{LAYERS}\n«initialisation»: he",
            training="«learning_rat»: 0.1\noptimizer: {name: adam, «beta9»: 1}",
            more="«trainng»: 1\n",
        ),
        ("data.train.z: unknown key",),
        ("did you mean 'test'",),
        ("did you mean 'initialization'",),
        ("did you mean 'learning_rate'",),
        ("did you mean 'beta",),
        ("did you mean 'training'",),
    ),
    "wrong_types_everywhere": (
        config(
            model="layers: [«four», «3.5»]",
            training='learning_rate: «"0.1"»\nepochs: «5.5»\nshuffle: «no»\nl2: «true»',
            more="seed: «x»\n",
        ),
        ("model.layers[0]", "whole number"),
        ("model.layers[1]", "whole number"),
        ("learning_rate", "quotes"),
        ("epochs", "whole number"),
        ("shuffle", "true or false"),
        ("l2", "expected a number"),
        ("seed", "whole number"),
    ),
    "one_of_each_kind": (
        config(
            data="train: «missing.h5»",
            model="layers: [4, 1]\nactivations: [relu, «softmax»]",
            training="learning_rate: «010»\nlearning_rate: «»",
        ).replace("learning_rate: «»", "«learning_rate»: 1"),
        ("no such file",),
        ("softmax", "one unit"),
        ("ambiguous",),
        ("twice",),
    ),
    "between_keys_of_three_sections": (
        config(
            data="train: train.h5\nvalidation: {fraction: 0.6}\ntest: «{fraction: 0.6}»",
            model="layers: [4, 5, 3]\nactivations: «[relu, softmax]»",
            training="iterations: 5\nepochs: «5»",
        ),
        ("nothing to train on",),
        ("2 activations for 3 layers",),
        ("not both",),
    ),
    "files_and_datasets": (
        config(
            data="train: {file: train.h5, x: «x_tran», y: «y_tran», weights: «w»}\n"
            "validation: «train.hd5»\ntest: {file: «tarin.h5»}",
        ),
        ("x_tran", "did you mean 'x_train'", "x_train (12, 4) float64"),
        ("y_tran", "did you mean 'y_train'", "y_train (12,) int64"),
        ("data.train.weights", "no dataset 'w'"),
        ("no such file", "did you mean 'train.h5'"),
        ("no such file", "did you mean 'train.h5'"),
    ),
}
"""A config, and words for each of its marks."""


@pytest.mark.parametrize("name", SEVERAL)
def test_all_problems_at_once(name: str) -> None:
    text, *words = SEVERAL[name]
    assert isinstance(text, str)
    content, marks = marked(text)
    result = train(content)
    assert_refused(result, 3 if name == "files_and_datasets" else 2, ())
    for mark, told in zip(marks, words, strict=True):
        assert_says(block_at(result.err, mark, content), told)
    assert len(heads(result.err)) == len(marks), result.err
    places = [head.split(":")[1:3] for head in heads(result.err)]
    assert places == sorted(places, key=lambda place: [int(number) for number in place])


def test_at_most_20_problems_are_told() -> None:
    result = train(config(training="\n".join(f"unknown_{i}: {i}" for i in range(30))))
    assert_refused(result, 2, ["... and 10 more"])
    assert len(heads(result.err)) == 20


def test_a_list_of_100000_layers_is_refused_at_once() -> None:
    began = time.monotonic()
    result = train(config(model=f"layers: [{'1,' * 100_000}]"))
    seconds = time.monotonic() - began
    assert_refused(result, 2, ["model.layers", "more than"])
    assert len(result.err) < 2000
    assert seconds < 1.5


def test_900_wrong_layers_make_a_short_message() -> None:
    result = train(config(model=f"layers: [{'a, ' * 900}3]"))
    assert_refused(result, 2, ["model.layers[19]", "... and 880 more"])
    assert len(result.err) < 10_000


FILES = {
    "missing_file": ("train: «train.h4»", "no such file", "did you mean 'train.h5'"),
    "missing_directory": ("train: «nowhere/train.h5»", "no such file", "nowhere"),
    "missing_above": ("train: «../gone/x.h5»", "no such file", "!.."),
    "directory": ("train: «.»", "is a directory"),
    "empty_name": ('train: «""»', "data.train"),
    "name_with_nul": (r'train: «"a\0b.h5"»', "data.train", r"a\x00b.h5"),
    "name_with_lone_surrogate": (r'train: «"\ud800.h5"»', "data.train"),
    "name_with_escape": (r'train: «"\e[31m.h5"»', "no such file", r"\x1b[31m.h5"),
    "text_file": ("train: «c.yaml»", "not an HDF5 file", "text"),
    "missing_test_file": ("train: train.h5\ntest: «tests.h5»", "data.test", "no such file"),
    "missing_dataset": (
        "train: {file: train.h5, x: «train_x»}",
        "no dataset 'train_x'",
        "did you mean 'x_train'",
        "x_test (12, 4) float64",
    ),
    "missing_dataset_nothing_near": (
        "train: {file: train.h5, y: «qqq»}",
        "'qqq'",
        "y_train",
        "!did you",
    ),
    "missing_weights": (
        "train: {file: train.h5, weights: «w_train»}",
        "data.train.weights",
        "no dataset 'w_train'",
        "y_train (12,) int64",
    ),
    "missing_weights_of_a_part": (
        "train: train.h5\ntest: {file: train.h5, weights: «y_tset»}",
        "data.test.weights",
        "did you mean 'y_test'",
    ),
    "dataset_below_dataset": ("train: {file: train.h5, x: «x_train/a»}", "no dataset 'x_train/a'"),
    "dataset_is_the_root": ("train: {file: train.h5, x: «/»}", "no dataset '/'", "x_train"),
    "missing_y_that_is_nearly_x": ("train: {file: train.h5, x: x_train, y: «x_trai»}", "'x_trai'"),
    "dataset_with_nul": (r'train: {file: train.h5, x: «"x\0y"»}', "no dataset", "!damaged"),
    "dataset_with_lone_surrogate": (
        r'train: {file: train.h5, x: «"\ud800"»}',
        "no dataset",
        "!damaged",
    ),
}


@pytest.mark.parametrize("row", FILES.values(), ids=FILES)
def test_a_data_file_that_cannot_be_used_is_told_at_its_place(row: tuple[str, ...]) -> None:
    content, (mark,) = marked(config(data=row[0]))
    result = train(content)
    assert_refused(result, 3, ())
    assert_says(block_at(result.err, mark, content), row[1:])
    assert len(heads(result.err)) == 1


def test_ten_classes_and_three_outputs() -> None:
    write_train_h5(Path("train.h5"), classes=10)
    content, (mark,) = marked(config(model=LAYERS.replace("3", "«3»")))
    result = train(content)
    assert_refused(result, 2, ())
    assert_says(block_at(result.err, mark, content), ["model.layers[1]", "10 classes", "3"])


def test_initial_parameters_that_do_not_fit() -> None:
    with h5py.File("start.h5", "w") as file:
        file["W1"], file["b1"] = np.zeros((4, 5)), np.zeros(4)
    content, (mark,) = marked(config(model=f"{LAYERS}\ninitial_parameters: «start.h5»"))
    result = train(content)
    assert_refused(result, 3, ())
    assert_says(block_at(result.err, mark, content), ["W1", "(4, 5)", "(4, 4)"])


ACCEPTED = {
    "1e-3": (config(training="learning_rate: 1e-3\niterations: 1"), "learning_rate: 0.001"),
    "1E-3": (config(training="learning_rate: 1E-3\niterations: 1"), "learning_rate: 0.001"),
    "1e1": (config(training="learning_rate: 1e1\niterations: 1"), "learning_rate: 10.0"),
    "whole_number_for_a_number": (
        config(training="learning_rate: 1\niterations: 1"),
        "learning_rate: 1.0",
    ),
    "date_as_text": (config(more="name: 2020-01-01\n"), "name: '2020-01-01'"),
    "time_quoted": (config(more='name: "12-30"\n'), "name: 12-30"),
    "byte_order_mark": (f"\ufeff{config()}", "name: c"),
    "windows_line_ends": (config().replace("\n", "\r\n"), "name: c"),
    "key_quoted": (config(training=f'"l2": 0.5\n{BRIEF}'), "l2: 0.5"),
    "json": (
        '{"data": {"train": "train.h5"}, "model": {"layers": [3]}, "training": {"iterations": 1}}',
        "iterations: 1",
    ),
    "part_above": (config(data="train: ../train.h5"), "train.h5"),
}


@pytest.mark.parametrize("row", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(row: tuple[str, str], tmp_path: Path) -> None:
    write_train_h5(tmp_path.parent / "train.h5")
    result = train(row[0], "--run-dir", "run")
    assert result.code == 0, result.err
    assert row[1] in Path("run/config.yaml").read_text()


SETTINGS = {
    "no_equals": (("training.epochs",), "KEY=VALUE"),
    "no_key": (("=5",), "KEY=VALUE"),
    "empty_part": (("training..l2=1",), "KEY=VALUE"),
    "unknown_key": (("training.lerning_rate=1",), "did you mean 'learning_rate'"),
    "unknown_section": (("trainin.l2=1",), "did you mean 'training'"),
    "text": (("training.learning_rate=fast",), "expected a number", "'fast'"),
    "nothing": (("training.learning_rate=",), "expected a number", "nothing"),
    "octal": (("seed=010",), "ambiguous"),
    "overflow": (("training.learning_rate=1e999",), "overflows"),
    "out_of_bounds": (("training.learning_rate=-1",), "> 0"),
    "list_not_closed": (("model.layers=[4, 3",), "not closed"),
    "alias": (("training.l2=*a",), "not supported"),
    "section_is_a_value": (("training=5",), "mapping"),
    "below_a_value": (("seed.a=5",), "seed", "whole number"),
    "index": (("model.layers.0=5",), "'model.layers' is a list", "whole"),
    "index_in_brackets": (("model.layers[0]=5",), "'model.layers' is a list", "whole"),
    "below_an_index": (("model.layers[0].units=5",), "'model.layers' is a list", "whole"),
    "missing_file": (("data.train=gone.h5",), "no such file"),
    "two_lines": (("seed=1\ntraining: 2",), "seed"),
    "escape": (("seed=\x1b[31m",), "control character"),
    "not_utf_8": (("name=\udcff",), "name"),
    "two_wrong": (
        ("training.lerning_rate=1", "model.layrs=[3]"),
        "did you mean 'learning_rate'",
        "did you mean 'layers'",
    ),
    "two_that_yaml_refuses": (("seed=010", "training.l2=*a"), "ambiguous", "not supported"),
    "very_long": ((f"seed={'9' * 5000}",), "out of range"),
}


@pytest.mark.parametrize("row", SETTINGS.values(), ids=SETTINGS)
def test_set_is_refused(row: tuple[tuple[str, ...], *tuple[str, ...]]) -> None:
    settings, *words = row
    options = [part for setting in settings for part in ("--set", setting)]
    code = 3 if "gone.h5" in settings[0] else 2
    assert_refused(train(config(), *options), code, ["--set ", *words])


def test_set_that_no_longer_fits_another_key_is_told_at_that_key() -> None:
    content, (mark,) = marked(config().replace("[relu, softmax]", "«[relu, softmax]»"))
    result = train(content, "--set", "model.layers=[4, 4, 3]")
    assert_refused(result, 2, ())
    assert_says(block_at(result.err, mark, content), ["2 activations for 3 layers"])


@pytest.mark.parametrize(("key", "other"), [("epochs", "iterations"), ("iterations", "epochs")])
def test_set_takes_the_place_of_another_key_by_a_value_alone(key: str, other: str) -> None:
    """null says nothing of the other key, as in the file."""
    for value, left in (("7", {key: 7}), ("null", {key: None, other: 2})):
        document = parse(f"training: {{{other}: 2}}".encode(), "c.yaml")
        override(document, f"training.{key}={value}")
        assert (document.tree, document.problems) == ({"training": left}, [])


def test_set_mends_what_the_file_has_wrong() -> None:
    bad = config(training="learning_rate: 010\niterations: 1")
    assert_refused(train(bad), 2, ["ambiguous"])
    result = train(bad, "--set", "training.learning_rate=0.5", "--run-dir", "run")
    assert result.code == 0, result.err
    assert "learning_rate: 0.5" in Path("run/config.yaml").read_text()


PATHS = {
    "missing": ("no.yaml", "no such file"),
    "nearly": ("c.yml", "no such file", "did you mean 'c.yaml'"),
    "directory": (".", "is a directory"),
    "endless_device": ("/dev/zero", "not a regular file"),
    "control_characters_in_name": ("\x1b[31m.yaml", "no such file", r"\x1b[31m.yaml"),
    "not_utf_8": ("\udcff.yaml", "no such file"),
}


@pytest.mark.parametrize("command", ["train", "gradcheck"])
@pytest.mark.parametrize("row", PATHS.values(), ids=PATHS)
def test_a_config_that_cannot_be_read(row: tuple[str, ...], command: str) -> None:
    Path("c.yaml").write_text(config())
    assert_refused(deepnet(command, row[0]), 2, row[1:])


def piped(command: str) -> subprocess.CompletedProcess[str]:
    """A bash command line in which deepnet is the program."""
    script = f'PYTHON="{sys.executable}"; deepnet() {{ $PYTHON -m deepnet_cli "$@"; }}\n{command}'
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=20, check=False
    )


def test_a_pipe_nobody_writes_to_is_not_waited_for() -> None:
    os.mkfifo("pipe")
    done = piped("timeout 15 $PYTHON -m deepnet_cli train pipe")
    assert done.returncode == 2, done.stderr
    assert "pipe" in done.stderr


def test_a_config_may_come_through_a_pipe() -> None:
    Path("c.yaml").write_text(config())
    done = piped(
        "deepnet train <(sleep 0.2; cat c.yaml) -q --dry-run --set data.train=$PWD/train.h5"
    )
    assert done.returncode == 0, done.stderr


def test_an_endless_pipe_is_read_no_further_than_a_config_may_be() -> None:
    done = piped("deepnet train <(yes '# more')")
    assert done.returncode == 2
    assert "larger than 256 KiB" in done.stderr
