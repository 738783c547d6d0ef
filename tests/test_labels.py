"""Every form of y means one Y (n[L], m); what is not clear is refused with the reason."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepnet_cli.data.encoding.encoding import Encoding, doubts, fit
from deepnet_cli.data.encoding.inputs import Recipe
from deepnet_cli.data.reading.labels import (
    ClassCountError,
    Classes,
    class_indices,
    class_values,
    examples_first,
    find_classes,
    multilabel,
    one_hot,
    targets,
)
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.errors import DataError
from deepnet_cli.nn.types import Array

law = settings(max_examples=60, derandomize=True, deadline=None)

INDICES = np.array([1, 0, 2, 2, 1, 0, 2])
Y3 = np.array([[0, 1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 1, 0, 0], [0, 0, 1, 1, 0, 0, 1]])
BITS = np.array([1, 0, 0, 1, 1])
F64 = np.dtype(np.float64)

INTEGERS = ["i1", "<i4", ">i4", "i8", "u1", ">u2", "u8"]
FLOATS = ["f2", "<f4", "f8", ">f8"]
DTYPES = pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])


def table(y: Array, m: int, *, last: bool = False, names: tuple[str, ...] = ()) -> Table:
    """A table whose y stands in a file as given."""
    y = examples_first(y, m, "f.h5: 'y'", last=last)
    return Table(np.ones((m, 2)), y, "f.h5: 'x'", "f.h5: 'y'", names)


def encoding(t: Table, outputs: int, target: str = "class", dtype: np.dtype[Any] = F64) -> Encoding:
    inputs, _ = Recipe().fit(t)
    return fit(t, inputs, target, outputs, dtype)


def encoded(y: Array, m: int, outputs: int, target: str = "class", *, last: bool = False) -> Array:
    """The Y that training sees for the y of a file."""
    t = table(y, m, last=last)
    return encoding(t, outputs, target).part(t).Y


def shapes(y: Array) -> list[Array]:
    """Labels (m,) in all the shapes that mean the same."""
    return [y, y.reshape(-1, 1), y.reshape(1, -1)]


@DTYPES
@pytest.mark.parametrize("last", [False, True])
def test_numbers_in_every_shape_mean_the_same(dtype: str, last: bool) -> None:
    for y in shapes(INDICES.astype(dtype)):
        np.testing.assert_array_equal(encoded(y, 7, 3, last=last), Y3)
    for y in shapes(BITS.astype(dtype)):
        np.testing.assert_array_equal(encoded(y, 5, 1, "binary", last=last), [BITS])


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS, "bool"])
def test_one_hot_means_its_column_numbers(dtype: str) -> None:
    hot = Y3.T.astype(dtype)
    np.testing.assert_array_equal(encoded(hot, 7, 3), Y3)
    np.testing.assert_array_equal(encoded(hot.T, 7, 3, last=True), Y3)
    two = np.eye(2)[BITS].astype(dtype)
    np.testing.assert_array_equal(encoded(two, 5, 1, "binary"), [BITS])
    np.testing.assert_array_equal(encoded(two.T, 5, 1, "binary", last=True), [BITS])


def test_square_one_hot_has_its_examples_where_the_config_says() -> None:
    hot = np.eye(3)[[1, 2, 0]]
    np.testing.assert_array_equal(encoded(hot, 3, 3), hot.T)
    np.testing.assert_array_equal(encoded(hot, 3, 3, last=True), hot)


@pytest.mark.parametrize("last", [False, True])
def test_bools_are_0_and_1(last: bool) -> None:
    for y in shapes(BITS.astype(bool)):
        np.testing.assert_array_equal(encoded(y, 5, 1, "binary", last=last), [BITS])
        np.testing.assert_array_equal(encoded(y, 5, 2, last=last), one_hot(BITS, 2))


@pytest.mark.parametrize("dtype", ["S", "U", "O"])
@pytest.mark.parametrize("last", [False, True])
def test_text_in_every_shape_is_sorted_by_name(dtype: str, last: bool) -> None:
    words = np.array(["ant", "bird", "cat"])[INDICES].astype(dtype)
    for y in shapes(words):
        t = table(y, 7, last=last)
        found = encoding(t, 3)
        np.testing.assert_array_equal(found.part(t).Y, Y3)
        assert found.classes is not None
        assert found.classes.names == ("ant", "bird", "cat")


def test_bytes_are_utf8() -> None:
    labels = class_values(np.array(["Äpfel".encode(), b"pears"]), "y")
    assert labels.tolist() == ["Äpfel", "pears"]


@pytest.mark.parametrize(
    ("values", "outputs"),
    [((-1, 1), 2), ((1, 2, 3), 3), ((3, 30, 5), 3), ((-(2**53), 2**53), 2), ((0, 7, 1), 3)],
)
@pytest.mark.parametrize("dtype", ["i8", "f8"])
def test_any_integers_are_sorted_into_indices(
    values: tuple[int, ...], outputs: int, dtype: str
) -> None:
    y = np.array(values)[[1, 0, *range(len(values))]].astype(dtype)
    classes = find_classes(class_values(y, "y"), outputs, (), "y")
    assert classes.values == tuple(sorted(values))
    assert classes.names == tuple(map(str, sorted(values)))
    indices = class_indices(class_values(y, "y"), classes, "y")
    np.testing.assert_array_equal(classes.labels(indices), y)


def test_numbers_on_several_axes_are_flattened_in_c_order() -> None:
    y = np.arange(24.0).reshape(4, 2, 3)
    expected = [each.ravel(order="C") for each in y]
    np.testing.assert_array_equal(examples_first(y, 4, "y"), expected)
    turned = np.stack([*y], axis=-1)
    np.testing.assert_array_equal(examples_first(turned, 4, "y", last=True), expected)


def test_text_sorts_as_text() -> None:
    labels = class_values(np.array(["2", "10", "1"], object), "y")
    assert find_classes(labels, 3, (), "y").values == ("1", "10", "2")


def test_a_class_below_the_outputs_may_have_no_example() -> None:
    t = table(np.array([0, 3, 1]), 3)
    np.testing.assert_array_equal(encoding(t, 4).part(t).Y, one_hot(np.array([0, 3, 1]), 4))
    ones = table(np.array([1, 1]), 2)
    np.testing.assert_array_equal(encoding(ones, 1, "binary").part(ones).Y, [[1, 1]])


def test_names_of_the_file_are_given_back() -> None:
    t = table(np.array([0, 1, 1]), 3, names=("non-cat", "cat"))
    found = encoding(t, 1, "binary").classes
    assert found == Classes((0, 1), ("non-cat", "cat"))


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (np.array([1, 2]), ("ant", "bird")),  # names are by index, these are not
        (np.array([0, 1]), ("ant", "bird", "cat")),
        (np.array([0, 1]), ()),
        (np.array(["a", "b"], object), ("ant", "bird")),
    ],
)
def test_names_that_do_not_fit_are_left_alone(y: Array, names: tuple[str, ...]) -> None:
    classes = find_classes(class_values(y, "y"), 2, names, "y")
    assert classes.names == tuple(map(str, y))


@pytest.mark.parametrize(
    ("y", "outputs", "expected"),
    [
        ([2, 8, 5], 3, ((2, 5, 8), ("a", "b", "c"))),
        ([2, 8, 8], 3, ((2, 5, 8), ("a", "b", "c"))),  # one has no example
        ([2, 8, 8], 2, ((2, 8), ("a", "c"))),
        ([2, 7, 7], 2, ((2, 7), ("2", "7"))),
    ],
)
def test_names_of_values_are_theirs(
    y: list[int], outputs: int, expected: tuple[tuple[int, ...], tuple[str, ...]]
) -> None:
    classes = find_classes(np.array(y), outputs, ("a", "b", "c"), "y", (2, 5, 8))
    assert (classes.values, classes.names) == expected


@law
@given(
    st.one_of(
        st.lists(st.integers(-(2**53), 2**53), min_size=2, unique=True),
        st.lists(st.text("aäbcZ ", min_size=1), min_size=2, unique=True),
    ),
    st.data(),
)
def test_labels_come_back_from_their_indices(values: list[Any], data: st.DataObject) -> None:
    more = data.draw(st.lists(st.sampled_from(values)))
    y = np.array(data.draw(st.permutations(values + more)))
    labels = class_values(y, "y")
    classes = find_classes(labels, len(values), (), "y")
    indices = class_indices(labels, classes, "y")
    assert (indices >= 0).all()
    assert (indices < len(classes)).all()
    assert classes.labels(indices).tolist() == y.tolist()
    Y = one_hot(indices, len(values))
    np.testing.assert_array_equal(Y.sum(axis=0), 1)
    np.testing.assert_array_equal(Y.argmax(axis=0), indices)


@pytest.mark.parametrize(
    ("y", "outputs", "reason"),
    [
        ([0.0, 1.5, 1.0], 2, "1.5 at row 1 is not a class label; .* mean_squared_error"),
        ([0.0, np.nan, 1.0], 2, "nan at row 1 is a missing label .1 in total.; remove"),
        ([0.0, 1.0, -np.inf], 2, "-inf at row 2 is not a class label"),
        ([0.0, 2.0**53 + 2, 1.0], 2, "row 1 is not a class label"),
        (np.array([0, 2**64 - 1, 1], np.uint64), 2, "18446744073709551615 .*out of range"),
        ([[1, 0], [1, 1], [0, 1]], 2, r"not one-hot: row 1 is \[1 1\]"),
        ([[1, 0], [0, 1], [0, 0]], 2, r"not one-hot: row 2 is \[0 0\]"),
        ([[1, 0], [-1, 2], [0, 1]], 2, r"not one-hot: row 1 is \[-1 +2\]"),
        ([[0.5, 0.5], [0, 1], [1, 0]], 2, "0.5 at row 0 is not a class label"),
        (np.array([["a", "b"]] * 3, object), 2, "text labels must be one a row"),
        (np.array([["a", "b"]] * 3, object), 3, "text labels must be one a row"),
        ([[0, 1, 2], [1, 0, 0], [0, 1, 0]], 2, r"3 columns and is not one-hot: row 0"),
    ],
)
def test_labels_that_are_none_are_refused(y: Any, outputs: int, reason: str) -> None:
    with pytest.raises(DataError, match=f"^f.h5: 'y'.*{reason}"):
        encoded(np.array(y), 3, outputs)


@pytest.mark.parametrize(
    ("shape", "last"),
    [
        ((4,), False),
        ((4, 1), False),
        ((1, 4), False),
        ((2, 3), False),  # one-hot, but its examples are last
        ((3, 2), True),  # one-hot, but its examples are first
        ((), False),
    ],
)
def test_y_of_another_length_is_refused(shape: tuple[int, ...], last: bool) -> None:
    with pytest.raises(DataError, match="but x has 3"):
        examples_first(np.zeros(shape), 3, "y", last=last)


@pytest.mark.parametrize("shape", [(4, 1, 1), (1, 1, 4)])
def test_further_axes_of_length_1_do_not_turn_labels_into_one_hot(shape: tuple[int, ...]) -> None:
    """Ones (m, 1, 1) are labels 1 or are refused; they are not a one-hot class 0."""
    last = shape[0] == 1
    try:
        Y = encoded(np.ones(shape, int), 4, 1, "binary", last=last)
    except DataError:
        return
    np.testing.assert_array_equal(Y, [[1, 1, 1, 1]])


@pytest.mark.parametrize(
    ("y", "outputs", "target", "reason"),
    [
        ([0, 1, 2], 1, "binary", r"3 classes \(0, 1, 2\) but the network tells 2 apart"),
        ([0, 1, 9], 2, "class", r"3 classes \(0, 1, 9\) but .* 2"),
        ([5, 7, 5], 3, "class", r"2 classes \(5, 7\) but .* 3"),
        ([-1, 1, 1], 3, "class", r"2 classes \(-1, 1\) but .* 3"),
        (np.array(["a", "b", "c"], object), 4, "class", r"3 classes \(a, b, c\) but .* 4"),
        (np.array(["a", "a", "a"], object), 1, "binary", r"1 classes \(a\) but .* 2"),
    ],
)
def test_another_number_of_classes_is_refused(
    y: Any, outputs: int, target: str, reason: str
) -> None:
    with pytest.raises(ClassCountError, match=reason):
        encoded(np.array(y), 3, outputs, target)


@pytest.mark.parametrize("columns", [2, 4])
def test_one_hot_of_another_width_is_refused(columns: int) -> None:
    hot = np.eye(columns)[[0, 1, 1]]
    with pytest.raises(ClassCountError):
        encoded(hot, 3, 3)


@pytest.mark.parametrize("columns", [2, 4])
def test_one_hot_of_another_width_than_in_training_is_refused(columns: int) -> None:
    """Also where only columns that training knew hold a 1."""
    fitted = encoding(table(np.array([0, 1, 2]), 3), 3)
    with pytest.raises((ClassCountError, DataError)):
        fitted.part(table(np.eye(columns)[[0, 1, 1]], 3))


@pytest.mark.parametrize(
    ("trained", "met", "reason"),
    [
        ([0, 1, 1], [1, 2, 0], r"label 2 at row 1 is none of the 2 classes \(0, 1\)"),
        ([3, 5, 5], [3, 5, 4], "label 4 at row 2"),
        (["a", "b", "a"], ["b", "b", "aa"], r"label aa at row 2 is none of .*\(a, b\)"),
        ([0, 1, 1], ["0", "1", "1"], "holds labels such as '0'; the classes are 0, 1"),
        (["0", "1", "1"], [0, 1, 1], "holds labels such as 0; the classes are '0', '1'"),
    ],
)
def test_labels_unknown_to_training_are_refused(
    trained: list[Any], met: list[Any], reason: str
) -> None:
    fitted = encoding(table(np.array(trained), 3), 1, "binary")
    with pytest.raises(DataError, match=f"^f.h5: 'y'.*{reason}"):
        fitted.part(table(np.array(met), 3))


KINDS = ("ant", "bee", "cat", "dog")


def called(names: list[str], known: list[str], form: str) -> Table:
    """Rows that are called so, in a file that knows these names in this order."""
    codes = np.array([known.index(name) for name in names])
    if form == "text":
        return table(np.array(names), len(names))
    if form == "numbers of its own":
        of_values = tuple(range(30, 30 + 3 * len(known), 3))
        found = table(30 + 3 * codes, len(names), names=tuple(known))
        return replace(found, class_values=of_values)
    return table(codes, len(names), names=tuple(known))


FORMS = ("0, 1, ...", "numbers of its own", "text")


@pytest.mark.parametrize("trained", FORMS)
@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
@settings(max_examples=20, derandomize=True, deadline=None)
def test_classes_go_by_name_whatever_their_numbers(
    trained: str, form: str, data: st.DataObject
) -> None:
    """In any order and of any of them: a file converted by itself numbers the classes it holds."""
    fitted = encoding(called([*KINDS], data.draw(st.permutations(KINDS)), trained), 4)
    assert fitted.classes is not None
    names = data.draw(st.lists(st.sampled_from(KINDS), min_size=1))
    known = data.draw(st.permutations(sorted({*names})))
    indices = fitted.class_indices(called(names, known, form))
    assert [fitted.classes.names[k] for k in indices] == names


@pytest.mark.parametrize(
    ("y", "names", "reason"),
    [
        (
            [1, 0],
            ("wolf", "bee"),
            r"label 0 \('wolf'\) at row 1 is none of the 3 .*\(ant, bee, cat\)",
        ),
        ([0, 2], ("bee", "cat"), "label 2, which the file does not name, at row 1"),
        (["cat", "Cat"], (), r"label Cat at row 1 is none of the 3 classes \(ant, bee, cat\)"),
    ],
)
def test_names_unknown_to_training_are_refused(
    y: list[Any], names: tuple[str, ...], reason: str
) -> None:
    fitted = encoding(table(np.arange(3), 3, names=("ant", "bee", "cat")), 3)
    with pytest.raises(DataError, match=f"^f.h5: 'y': {reason}"):
        fitted.class_indices(table(np.array(y), 2, names=names))


@pytest.mark.parametrize("names", [(), ("a", "a", "b")])
def test_where_no_names_tell_classes_apart_they_go_by_value(names: tuple[str, ...]) -> None:
    fitted = encoding(table(np.arange(3), 3, names=names), 3)
    np.testing.assert_array_equal(fitted.class_indices(table(INDICES, 7, names=KINDS[:3])), INDICES)
    named = encoding(table(np.arange(3), 3, names=KINDS[:3]), 3)
    np.testing.assert_array_equal(named.class_indices(table(INDICES, 7)), INDICES)


def test_a_table_need_not_hold_every_class() -> None:
    fitted = encoding(table(INDICES, 7), 3)
    late = table(np.array([2.0, 2.0]), 2)
    np.testing.assert_array_equal(fitted.part(late).Y, one_hot(np.array([2, 2]), 3))
    np.testing.assert_array_equal(fitted.class_indices(late), [2, 2])


@pytest.mark.parametrize("dtype", ["u1", "bool", "f4"])
def test_multilabel_keeps_every_column(dtype: str) -> None:
    y = np.array([[1, 1, 0], [0, 0, 0], [1, 1, 1], [0, 0, 1]]).astype(dtype)
    np.testing.assert_array_equal(encoded(y, 4, 3, "binary"), y.T)
    np.testing.assert_array_equal(encoded(y.T, 4, 3, "binary", last=True), y.T)
    assert encoding(table(y, 4), 3, "binary").classes is None


@pytest.mark.parametrize(
    ("y", "kind", "reason"),
    [
        (
            np.zeros(4),
            ClassCountError,
            "1 columns but the network has 3 outputs .* softmax, or loss multi_margin",
        ),
        (np.zeros((4, 2)), ClassCountError, "2 columns but the network has 3"),
        (np.full((4, 3), 2), DataError, "must be 0 or 1"),
        (np.full((4, 3), 0.5), DataError, "must be 0 or 1"),
        (np.full((4, 3), np.nan), DataError, "nan at row 0"),
        (np.full((4, 3), "a", object), DataError, "holds text"),
    ],
)
def test_multilabel_that_is_none_is_refused(y: Array, kind: type[Exception], reason: str) -> None:
    with pytest.raises(kind, match=reason):
        multilabel(y, 3, "y")


@pytest.mark.parametrize(
    ("y", "target", "outputs", "told"),
    [
        (np.full(4, 2.5), "number", 1, "is the same in all examples"),
        (np.zeros((4, 2)), "binary", 2, "is the same in all examples"),
        (np.full(4, 3.0), "count", 1, "is the same in all examples"),
        (np.array([0, 0, 2.5, 0]), "number", 1, "only two values"),
        (np.array([0, 0, 3, 0]), "count", 1, ""),
        (np.array([1, 0.5, 2.5, 0]), "number", 1, ""),
        (np.zeros(4, int), "class", 1, "one class only"),
    ],
)
def test_what_y_makes_doubtful(y: Array, target: str, outputs: int, told: str) -> None:
    found = doubts(encoding(t := table(y, 4), outputs, target), t)
    assert len(found) == bool(told)
    assert all(told in doubt for doubt in found)


@DTYPES
def test_numbers_are_kept_as_they_are(dtype: str, rng: np.random.Generator) -> None:
    y = rng.integers(0, 100, (6, 2)).astype(dtype)
    np.testing.assert_array_equal(encoded(y, 6, 2, "number"), y.T)
    np.testing.assert_array_equal(encoded(y.T, 6, 2, "number", last=True), y.T)
    for column in shapes(y[:, 0]):
        np.testing.assert_array_equal(encoded(column, 6, 1, "number"), [y[:, 0]])


@pytest.mark.parametrize(
    ("y", "reason"),
    [
        ([1.0, np.nan, np.nan], r"nan at row 1 \(2 in total\)"),
        ([1.0, 2.0, np.inf], r"inf at row 2 \(1 in total\)"),
        (["a", "b", "c"], "holds text; a network with this loss needs numbers"),
    ],
)
def test_numbers_that_are_none_are_refused(y: list[Any], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        targets(np.array(y), "y")


def test_numbers_of_another_width_are_refused() -> None:
    with pytest.raises(ClassCountError, match="2 numbers an example but the last layer has 3"):
        encoded(np.zeros((4, 2)), 4, 3, "number")


def test_numbers_too_large_for_the_precision_are_refused() -> None:
    t = table(np.array([1.0, 1e300]), 2)
    with pytest.raises(DataError, match=r"value .*at row 1 does not fit float32"):
        encoding(t, 1, "number", np.dtype(np.float32)).part(t)


@pytest.mark.parametrize("target", ["class", "binary", "number"])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_Y_has_the_precision_of_the_network(target: str, precision: str) -> None:
    t = table(np.array([0, 1, 1]), 3)
    outputs = 2 if target == "class" else 1
    part = encoding(t, outputs, target, np.dtype(precision)).part(t)
    assert part.Y.dtype == part.rows.dtype == precision
    assert part.Y.shape == (outputs, 3)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("shape", [(3,), (5,), (1, 3), (3, 1), (3, 2), (2, 3), (5, 3), (3, 5)])
def test_the_other_axis_is_told_of_where_y_would_fit_it(
    shape: tuple[int, ...], *, last: bool
) -> None:
    """x has 4 examples, and 3 features, or the other way round."""
    y = np.zeros(shape)
    try:
        fits = len(examples_first(y, 3, "y", last=not last)) == 3
    except DataError:
        fits = False
    with pytest.raises(DataError) as told:
        examples_first(y, 4, "y", last=last, features=3)
    axis = "first" if last else "last"
    assert (f"set data.examples: {axis}" in str(told.value)) == fits
