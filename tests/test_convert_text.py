"""Text to numbers: cells, dialects, columns, and CSV files there and back."""

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from cli import assert_refused, deepnet
from hypothesis import example, given, settings
from hypothesis import strategies as st
from samples import write_config

from deepnet_cli.data.convert import delimited
from deepnet_cli.data.convert.dialect import find_dialect
from deepnet_cli.data.convert.numbers import MISSING, number, read_cells
from deepnet_cli.data.convert.stream import Choices, Meter


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def converted(*args: str) -> dict[str, np.ndarray]:
    """The datasets of what `deepnet convert ARGS out.h5` writes."""
    result = deepnet("convert", *args, "out.h5", "--force")
    assert result.code == 0, result.err
    with h5py.File("out.h5") as file:
        found = {name: np.asarray(file[name][()]) for name in file}
        found |= {f"x.{name}": value for name, value in file["x"].attrs.items()}
        return found | {f"y.{k}": v for k, v in file["y"].attrs.items()} if "y" in file else found


# Cells

FORMS: dict[str, tuple[float, Callable[[np.random.Generator], float]]] = {
    "%d": (1, lambda rng: float(rng.integers(-(10**6), 10**6))),
    "%.3f": (1, lambda rng: rng.normal() * 100),
    "%.6g": (0.6, lambda rng: rng.normal() * 10.0 ** rng.integers(-8, 6)),
    "%.17g": (0.6, lambda rng: rng.normal() * 10.0 ** rng.integers(-3, 5)),
    "%.18e": (0, lambda rng: rng.normal()),
    "%+.12f": (1, lambda rng: rng.normal()),
}
"""Each with the share of its cells that are read at once, and numbers to be written."""


@pytest.mark.parametrize("form", FORMS)
def test_a_cell_is_the_float_that_python_reads(form: str, rng: np.random.Generator) -> None:
    share, draw = FORMS[form]
    texts = [form % draw(rng) for _ in range(3000)]
    cells = read_cells(("\n".join(texts) + "\n").encode(), b",")
    expected = np.array([float(text) for text in texts])
    np.testing.assert_array_equal(cells.values[cells.plain], expected[cells.plain])
    assert cells.plain.mean() >= share


def test_digits_beyond_float64_are_rounded_once(rng: np.random.Generator) -> None:
    """Where extended precision lies halfway between two floats, about once in 2,000 cells."""
    texts = [f"0.{digits:017}" for digits in rng.integers(0, 10**17, 40_000).tolist()]
    cells = read_cells(("\n".join(texts) + "\n").encode(), b",")
    expected = np.array([float(text) for text in texts])
    np.testing.assert_array_equal(cells.values[cells.plain], expected[cells.plain])


@example([".0000000000000-ééé"], ".")
@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text("0123456789.+-eE,;_ x\x00é٣", max_size=22), min_size=1, max_size=6),
    st.sampled_from([".", ","]),
)
def test_a_plain_cell_is_a_number_whatever_stands_beside_it(texts: list[str], point: str) -> None:
    """Of cells of any kind, those that are taken for plain decimals are just what Python reads."""
    texts = [text.replace(";", "") for text in texts]
    text = (";".join(texts) + "\n").encode()
    cells = read_cells(text, b";", point.encode())
    assert [text[i:j].decode() for i, j in zip(cells.starts, cells.ends, strict=True)] == texts
    for cell, value, plain in zip(texts, cells.values, cells.plain, strict=True):
        if plain:
            assert point == "." or "." not in cell
            assert str(value) == str(float(cell.replace(point, ".")))
        elif cell.lstrip("+-").isdecimal() and cell.isascii():
            digits = cell.lstrip("+-")
            assert len(digits) > 15 or len(cell) - len(digits) > 1


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1e3", 1000.0),
        (" 7 ", 7.0),
        ("-0", -0.0),
        ("1_000", None),
        ("٣", None),
        ("0x10", None),
        ("1,5", None),
        ("inf", np.inf),
        ("twelve", None),
        ("9" * 400, np.inf),
    ],
)
def test_a_number_is_what_it_looks_like(cell: str, value: float | None) -> None:
    assert str(number(cell)) == str(value)


@pytest.mark.parametrize("word", sorted(MISSING))
def test_words_for_nothing_are_nan_in_any_case(word: str) -> None:
    assert all(np.isnan(number(form) or 0) for form in (word, word.upper(), f" {word} "))


# Dialects


@pytest.mark.parametrize(
    ("text", "separator", "point", "header", "names"),
    [
        ("a,b\n1,2\n", ",", ".", True, ("a", "b")),
        ("1,2\n3,4\n", ",", ".", False, ("column1", "column2")),
        ("a;b\n1,5;2\n", ";", ",", True, ("a", "b")),
        ("1,5;2,5\n3,5;4,5\n", ";", ",", False, ("column1", "column2")),
        ("1.5;2\n3;4\n", ";", ".", False, ("column1", "column2")),
        ("a\tb c\n1\t2\n", "\t", ".", True, ("a", "b c")),
        ("\ta\tb\n0\t1\t2\n", "\t", ".", True, ("", "a", "b")),
        (" \n\ta\tb\n0\t1\t2\n", "\t", ".", True, ("", "a", "b")),
        (" a b\n0 1 2\n1 3 4\n", " ", ".", True, ("", "a", "b")),
        (" a\n0 1\n1 3\n", " ", ".", True, ("", "a")),
        ("a b\nMary Ann Lee\nJo An Roe\n", ",", ".", True, ("a b",)),
        ("a|b\n1|2\n", "|", ".", True, ("a", "b")),
        ("  1  2\n 3   4\n", " ", ".", False, ("column1", "column2")),
        ("# a b\n1 2\n", " ", ".", True, ("a", "b")),
        ('"a, b","c"\n"1","2"\n', ",", ".", True, ("a, b", "c")),
        ("p,x\np,y\ne,x\n", ",", ".", False, ("column1", "column2")),
        ("cap,kind\np,y\ne,x\n", ",", ".", True, ("cap", "kind")),
        ("a\n1\n2\n", ",", ".", True, ("a",)),
        ("a,a,b\n1,2,3\n", ",", ".", True, ("a", "a_2", "b")),
        ("a_3,a,a\n1,2,3\n", ",", ".", True, ("a_3", "a", "a_3_3")),
        ("0,1,2,label\n.5,1.5,7,a\n2,8,9,b\n", ",", ".", True, ("0", "1", "2", "label")),
        (",0,1,2\n0,5,6,7\n1,8,9,9\n", ",", ".", True, ("", "0", "1", "2")),
        ("id,1999,2000\n4,5,6\n", ",", ".", True, ("id", "1999", "2000")),
        ("0,1,2\n0,1,2\n1,2,3\n", ",", ".", False, ("column1", "column2", "column3")),
        ("a,1\nb,2\n", ",", ".", False, ("column1", "column2")),
        ("name,age\nJohn Smith,3\nMary Ann,4\n", ",", ".", True, ("name", "age")),
    ],
)
def test_the_dialect_of_a_table(
    text: str, separator: str, point: str, header: bool, names: tuple[str, ...]
) -> None:
    found = find_dialect("t.csv", text, None)
    assert (found.separator, found.point, found.header) == (separator, point, header)
    assert found.names == names


@pytest.mark.parametrize("n", [2, 5, 8, 10, 600])
def test_decimal_commas_are_found_in_whatever_columns_they_are(n: int) -> None:
    """However many cells are looked at: a column of fractions among columns of whole numbers."""
    for j in (0, n // 2, n - 1):
        row = ";".join("1,5" if k == j else "7" for k in range(n))
        text = ";".join(f"a{k}" for k in range(n)) + "\n" + f"{row}\n" * 120
        assert find_dialect("t.csv", text, None).point == ","


def test_what_the_user_says_of_the_header_holds() -> None:
    assert find_dialect("t.csv", "1,2\n3,4\n", True).names == ("1", "2")
    assert find_dialect("t.csv", "a,b\n1,2\n", False).names == ("column1", "column2")


# Files

TEXTS = ["red", "green", 'dark "blue"', "light\ngreen", "a,b", " spaced ", "Grün"]


def random_table(rng: np.random.Generator, m: int, quoting: int, end: str) -> tuple[str, list[str]]:
    """A CSV text of floats, whole numbers, texts and gaps, and its columns' names."""
    columns = {
        "weight": [f"{v:.9g}" for v in rng.normal(size=m)],
        "count": [str(v) for v in rng.integers(-5, 300, m)],
        "color": [TEXTS[k] for k in rng.integers(0, len(TEXTS), m)],
        "gaps": [
            ["", "NA", "?", f"{v:.3f}"][k]
            for k, v in zip(rng.integers(0, 4, m), rng.random(m), strict=True)
        ],
        "kind": [["yes", "no"][k] for k in rng.integers(0, 2, m)],
    }
    text = io.StringIO()
    writer = csv.writer(text, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    writer.writerows([list(columns), *zip(*columns.values(), strict=True)])
    return text.getvalue(), list(columns)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("size", [60, 2**19])
def test_a_table_is_what_the_csv_module_reads(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, size: int, quoting: int, end: str
) -> None:
    """However it is quoted, and wherever blocks end."""
    monkeypatch.setattr(delimited, "BYTES", size)
    text, names = random_table(rng, 200, quoting, end)
    Path("t.csv").write_text("\ufeff" + text, newline="")
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    found = converted("t.csv")
    assert list(found["x.feature_names"]) == names[:-1]
    colors = sorted({row[2].strip() for row in rows})
    assert list(found["x.categories.color"]) == colors
    gaps = {"", "NA", "?"}
    expected = np.array(
        [
            [float(a), float(b), colors.index(c.strip()), np.nan if g in gaps else float(g)]
            for a, b, c, g, _ in rows
        ]
    )
    np.testing.assert_array_equal(found["x"], expected.astype(np.float32))
    assert [name.decode() for name in found["class_names"]] == ["no", "yes"]
    assert found["y"].tolist() == [int(row[4] == "yes") for row in rows]
    assert list(found["y.target_names"]) == ["kind"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " "])
def test_a_table_of_numbers_is_what_pandas_reads(rng: np.random.Generator, separator: str) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rng.normal(size=(300, 4)) * 10.0 ** rng.integers(-6, 6, (300, 4)))
    frame.to_csv("t.csv", sep=separator, index=False, header=["a", "b", "c", "d"])
    found = converted("t.csv", "--dtype", "float64")
    read = pandas.read_csv("t.csv", sep=separator).to_numpy()
    np.testing.assert_array_equal(found["x"], read[:, :3])
    np.testing.assert_array_equal(found["y"].astype("f4"), read[:, 3].astype("f4"))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " "])
def test_the_unnamed_index_of_pandas_is_no_feature(separator: str) -> None:
    """Between tabs or spaces too, where the line begins with one; whatever its order."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.5, 2.5, 4.5], "y": [0, 1, 0]}, index=[7, 3, 5])
    frame.to_csv("t.csv", sep=separator)
    result = deepnet("convert", "t.csv", "o.h5")
    assert "left out" in result.err
    assert "no name" in result.err
    found = converted("t.csv")
    assert found["x.feature_names"].tolist() == ["a"]
    assert found["x"].tolist() == [[1.5], [2.5], [4.5]]


def test_a_gzipped_table_is_read(rng: np.random.Generator) -> None:
    with gzip.open("t.csv.gz", "wt") as file:
        file.write("a,b,y\n1,2,0\n3,4,1\n")
    assert converted("t.csv.gz")["x"].tolist() == [[1, 2], [3, 4]]


def test_a_quote_inside_a_name_is_a_quote() -> None:
    Path("t.csv").write_text('\ufeff\nsize in ",y\n5.5,1\n"6",2\n7,3\n', encoding="utf-8")
    found = converted("t.csv")
    assert found["x.feature_names"].tolist() == ['size in "']
    assert found["x"].tolist() == [[5.5], [6], [7]]


def test_a_mark_of_utf8_is_no_part_of_a_table_without_a_header() -> None:
    Path("t.csv").write_text("\ufeff1.5,2\n3,4\n", encoding="utf-8")
    assert converted("t.csv")["x"].tolist() == [[1.5], [3]]


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        (["0", "255"], "uint8"),
        (["-1", "127"], "int8"),
        (["0", "256"], "uint16"),
        (["-1", "40000"], "int32"),
        (["1.0", "2.0"], "uint8"),
        (["0", str(2**40)], "int64"),
        (["1", ""], "float32"),
        (["0.5", "1"], "float32"),
        (["0.5", "1e39"], "float64"),
        (["100000000.5", "100000001.5"], "float64"),
        (["no", "yes"], "uint8"),
        (["1", "inf"], "float32"),
    ],
)
def test_numbers_have_the_type_that_holds_them(cells: list[str], dtype: str) -> None:
    Path("t.csv").write_text("a,y\n" + "".join(f"{cell},{k}\n" for k, cell in enumerate(cells)))
    assert converted("t.csv")["x"].dtype == dtype


def test_a_large_number_beside_floats_keeps_its_digits() -> None:
    Path("t.csv").write_text(f"id,a,y\n{2**24 + 1},0.5,0\n1,1.5,1\n")
    assert converted("t.csv")["x"][0].tolist() == [2**24 + 1, 0.5]


# Which column is what


@pytest.mark.parametrize(
    ("head", "args", "features", "target"),
    [
        ("a,b,c", [], ["a", "b"], ["c"]),
        ("a,Label,c", [], ["a", "c"], ["Label"]),
        ("class,y,c", [], ["y", "c"], ["class"]),
        ("a,b,c", ["--label", "a"], ["b", "c"], ["a"]),
        ("a,b,c", ["--label", "2"], ["a", "c"], ["b"]),
        ("a,3,1", ["--label", "1", "--header"], ["a", "3"], ["1"]),
        ("a,b,c", ["--label", "a", "--label", "c"], ["b"], ["a", "c"]),
        ("a,b,c", ["--drop", "c"], ["a"], ["b"]),
        ("a,b,c", ["--no-label"], ["a", "b", "c"], []),
        (",b,c", [], ["b"], ["c"]),
        (",b,c", ["--no-label"], ["b", "c"], []),
    ],
)
def test_columns_become_x_and_y(
    head: str, args: list[str], features: list[str], target: list[str]
) -> None:
    rows = np.stack([np.arange(30), np.arange(30) % 4, np.arange(30) ** 2])
    Path("t.csv").write_text(f"{head}\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows.T))
    found = converted("t.csv", *args)
    assert list(found["x.feature_names"]) == features
    assert list(found.get("y.target_names", [])) == target
    table = dict(zip(head.split(","), rows, strict=True))
    np.testing.assert_array_equal(found["x"].T, [table[name] for name in features])
    if target:
        np.testing.assert_array_equal(np.atleast_2d(found["y"].T), [table[k] for k in target])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_of_one_name_are_told_and_taken_by_others(suffix: str) -> None:
    texts = [["u", "v"], ["w", "x"]]
    if suffix == "csv":
        Path("t.csv").write_text("a,a,y\nu,w,0\nv,x,0\n")
    else:
        pa = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        table = pa.Table.from_arrays([pa.array(c) for c in (*texts, [0, 0])], ["a", "a", "y"])
        parquet.write_table(table, "t.parquet")
    assert "are called 'a_2'" in deepnet("convert", f"t.{suffix}", "o.h5").err
    found = converted(f"t.{suffix}")
    assert found["x.categories.a"].tolist() == texts[0]
    assert found["x.categories.a_2"].tolist() == texts[1]
    for name, left in (("a", "a_2"), ("a_2", "a")):
        assert list(converted(f"t.{suffix}", "--drop", name)["x.feature_names"]) == [left]


def test_an_id_is_told() -> None:
    Path("t.csv").write_text("id,a,y\n" + "".join(f"{k},{k * k},{k % 2}\n" for k in range(7, 40)))
    result = deepnet("convert", "t.csv", "o.h5")
    assert "--drop id" in result.err
    assert "--drop a" not in result.err


@pytest.mark.parametrize("label", ["doors", "y"])
@pytest.mark.parametrize("kinds", [3, 300])
def test_a_text_among_numbers_is_refused_however_many_there_are(label: str, kinds: int) -> None:
    """In a feature and in the labels, with what to type, each of which works."""
    cells = [str(k % kinds) for k in range(300)] + ["unknown", "12%", "unknown"]
    Path("t.csv").write_text("doors,y\n" + "".join(f"{c},{k % 2}\n" for k, c in enumerate(cells)))
    args = ["t.csv", "--label", label]
    words = ["line 302: 'unknown', '12%' in column 'doors'", "--missing unknown --missing 12%"]
    assert_refused(
        deepnet("convert", *args, "o.h5"), 3, [*words, "!" * (kinds > 3) + "--text doors"]
    )
    missing = ["--missing", "unknown", "--missing", "12%"]
    found = converted(*args, *missing, *(["--skip-unlabeled"] if label == "doors" else []))
    assert found["x"].dtype == (np.uint8 if label == "doors" else np.float32)
    if label == "y":
        assert np.isnan(found["x"]).sum() == 3
    else:
        assert len(found["y"]) == 300
        assert found["y"].dtype == (np.uint8 if kinds < 256 else np.uint16)
    if kinds == 3:
        found = converted(*args, *missing[:2], "--text", "doors", "--skip-unlabeled")
        names = found["class_names" if label == "doors" else "x.categories.doors"]
        assert [name if isinstance(name, str) else name.decode() for name in names] == [
            "0",
            "1",
            "12%",
            "2",
        ]


def test_numbers_among_more_texts_are_categories() -> None:
    """Even where the texts come after a block of numbers, which is looked at once more."""
    cells = ["2", "3", "4"] * 10 + ["5more"] * 40
    Path("t.csv").write_text("doors,y\n" + "".join(f"{c},{k % 2}\n" for k, c in enumerate(cells)))
    result = deepnet("convert", "t.csv", "o.h5")
    assert "'doors' (4: 2, 3, 4, ...)" in result.err
    found = converted("t.csv")
    assert list(found["x.categories.doors"]) == ["2", "3", "4", "5more"]
    assert found["x"][:, 0].tolist() == [0, 1, 2] * 10 + [3] * 40


def test_texts_that_come_in_a_later_block_make_a_column_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delimited, "BYTES", 40)
    test_numbers_among_more_texts_are_categories()


def test_own_words_for_nothing() -> None:
    Path("t.csv").write_text("a,b,y\n1,-999,0\n2,5,1\nsick,6,1\n")
    x = converted("t.csv", "--missing", "-999", "--missing", "Sick")["x"]
    np.testing.assert_array_equal(x, [[1, np.nan], [2, 5], [np.nan, 6]])
    Path("t.csv").write_text("a;b;y\n1,5;-999,0;0\n2,5;-999;1\n0,5;6,5;1\n")
    x = converted("t.csv", "--missing", "-999,0")["x"]
    np.testing.assert_array_equal(x, [[1.5, np.nan], [2.5, np.nan], [0.5, 6.5]])


def test_rows_without_a_label_are_left_out_where_that_is_said() -> None:
    Path("t.csv").write_text("a,y\n1,cat\n2,\n3,dog\n4,NA\n")
    found = converted("t.csv", "--skip-unlabeled")
    assert found["x"].tolist() == [[1], [3]]
    assert found["y"].tolist() == [0, 1]
    Path("t.csv").write_text("a,y\n1,3\n2,\n3,500\n4,NA\n")
    found = converted("t.csv", "--skip-unlabeled")
    assert found["y"].tolist() == [3, 500]
    assert found["y"].dtype == np.uint16
    assert "2 classes: 3 1, 500 1" in deepnet("convert", "t.csv", "o.h5", "--skip-unlabeled").out


@pytest.mark.parametrize("args", [[], ["--skip-unlabeled"]])
def test_labels_that_are_missing_in_every_row_are_no_y(args: list[str]) -> None:
    Path("t.csv").write_text("a,y\n1,cat\n2,dog\n")
    converted("t.csv")
    Path("out.h5").rename("first.h5")
    Path("u.csv").write_text("a,y\n1,\n2,NA\n")
    for like in ([], ["--like", "first.h5"]):
        refused = deepnet("convert", "u.csv", "o.h5", *args, *like)
        assert_refused(refused, 3, ["no label in any row", "--no-label"])
        assert converted("u.csv", "--no-label", *like)["x"].tolist() == [[1], [2]]


def test_the_first_gap_is_told_wherever_blocks_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a column of text, and in one of numbers."""
    monkeypatch.setattr(delimited, "BYTES", 20)
    rows = ["a,1.5"] * 40
    rows[12] = rows[13] = rows[37] = ","
    Path("t.csv").write_text("x,y\n" + "\n".join(rows))
    for label in ("x", "y"):
        refused = deepnet("convert", "t.csv", "o.h5", "--label", label)
        assert_refused(refused, 3, ["line 14", f"'{label}'", "3 such rows"])


# As an earlier file


def test_like_an_earlier_file_numbers_mean_the_same() -> None:
    """Other rows, in which a class and a category are missing and columns are in another order."""
    Path("t.csv").write_text("a,color,y\n1,red,cat\n2,green,dog\n3,blue,eel\n4,7,cat\n")
    first = converted("t.csv")
    Path("out.h5").rename("first.h5")
    Path("u.csv").write_text("more,y,color,a\n0,eel,red,5\n0,dog,7,6\n0,dog,,6\n")
    found = converted("u.csv", "--like", "first.h5")
    codes = dict(zip(["red", "green", "blue", "7"], first["x"][:, 1], strict=True))
    np.testing.assert_array_equal(found["x"], [[5, codes["red"]], [6, codes["7"]], [6, np.nan]])
    assert found["y"].tolist() == [2, 1, 1]
    for name in ("class_names", "x.feature_names", "x.categories.color", "y.target_names"):
        assert found[name].tolist() == first[name].tolist()


def test_a_table_converted_by_itself_is_evaluated_as_one_that_is_like_the_first() -> None:
    """Where it has fewer categories or classes: its numbers are others, the names are the same."""
    rows = [f"{k % 7},{'abc'[k % 3]},{('ant', 'bee', 'cat')[k % 3]}" for k in range(30)]
    some = [row for k, row in enumerate(rows) if k % 3]
    late = [f"{k % 7},a,{('bee', 'cat')[k % 2]}" for k in range(9)]
    for name, lines in (("first", rows), ("some", some), ("late", late)):
        Path(f"{name}.csv").write_text("\n".join(["n,letter,kind", *lines]))
        assert deepnet("convert", f"{name}.csv", f"{name}.h5").code == 0
    write_config(Path("c.yaml"), data={"train": "first.h5"})
    assert deepnet("train", "c.yaml", "--run-dir", "run").code == 0
    assert deepnet("convert", "late.csv", "like.h5", "--like", "first.h5").code == 0
    told = [deepnet("evaluate", "run", name, "--json").out for name in ("late.h5", "like.h5")]
    assert told[0] == told[1]
    assert '"examples": 9' in told[0]
    words = ["column 1 ('letter') stand for 'b', 'c'", "for 'a', 'b', 'c'", "--like TRAIN.h5"]
    assert_refused(deepnet("evaluate", "run", "some.h5"), 3, words)
    assert_refused(deepnet("predict", "run", "some.h5"), 3, words)
    for command in ("predict", "evaluate"):
        refused = deepnet(command, "run", "late.csv")
        assert_refused(refused, 3, ["deepnet convert late.csv late.h5 --like TRAIN.h5\n"])
    Path("late.npz").write_text("no")
    assert_refused(deepnet("predict", "run", "late.npz"), 3, ["late.npz late.h5\n"])


def test_like_an_earlier_file_without_labels() -> None:
    Path("t.csv").write_text("a,color,y\n1,red,0\n2,green,1\n")
    converted("t.csv")
    Path("out.h5").rename("first.h5")
    Path("u.csv").write_text("color,a\nred,5\n")
    assert converted("u.csv", "--like", "first.h5")["x"].tolist() == [[5, 1]]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a,colour,y\n1,red,0\n", ["no column 'color'", "did you mean 'colour'"]),
        (
            "a,color,y\n1,pink,0\n",
            ["'color' holds 'pink'", "has only 'green', 'red'; to", "--missing pink"],
        ),
        (
            "a,color,y\n1,red,0\nmuch,red,0\n",
            ["line 3: 'much' in column 'a'", "holds numbers", "--missing much"],
        ),
    ],
)
def test_what_an_earlier_file_does_not_know_is_refused(rows: str, words: list[str]) -> None:
    Path("t.csv").write_text("a,color,y\n1,red,0\n2,green,1\n")
    converted("t.csv")
    Path("out.h5").rename("first.h5")
    Path("u.csv").write_text(rows)
    assert_refused(deepnet("convert", "u.csv", "o.h5", "--like", "first.h5"), 3, words)


def test_a_file_that_says_nothing_of_columns_is_no_example() -> None:
    with h5py.File("bare.h5", "w") as file:
        file["x"] = [[1]]
    Path("u.csv").write_text("a,y\n1,0\n")
    refused = deepnet("convert", "u.csv", "o.h5", "--like", "bare.h5")
    assert_refused(refused, 3, ["bare.h5", "feature_names"])


# Back


@pytest.mark.parametrize("seed", range(3))
def test_there_and_back_is_the_same_table(seed: int) -> None:
    """Floats in their shortest form, gaps, categories and classes with quotes and commas."""
    rng = np.random.default_rng(seed)
    rows = [["a", "b", "color", "y"]]
    for k in range(150):
        a = str(np.float32(rng.normal() * 10.0 ** rng.integers(-20, 20)))
        b = "" if rng.random() < 0.2 else f"{rng.integers(-99, 99) / 4:g}"
        rows.append([a, b, ["red", 'x "y"', "x,y"][k % 3], ["cat", "dog, small"][rng.integers(2)]])
    with Path("t.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    converted("t.csv")
    assert deepnet("convert", "out.h5", "back.csv").code == 0
    with Path("back.csv").open(newline="") as file:
        back = list(csv.reader(file))
    assert back[0] == rows[0]
    assert [row[2:] for row in back] == [row[2:] for row in rows]
    numbers = [[float(cell or "nan") for row in t[1:] for cell in row[:2]] for t in (rows, back)]
    before, after = np.array(numbers, np.float32)
    np.testing.assert_array_equal(after, before)


def test_a_file_is_never_read_whole(rng: np.random.Generator) -> None:
    """No block is larger than a few lines beyond BYTES, and each pass reads each byte once."""
    line = ",".join(f"{v:.6g}" for v in rng.normal(size=50))
    Path("t.csv").write_text(f"{line}\n" * 4000)
    meter = Meter()
    table = delimited.Delimited.of(Path("t.csv"), Choices(), meter)
    largest = max(len(block.values) for block in table.blocks())
    assert largest * len(line) < 1.1 * delimited.BYTES
    assert meter.done == Path("t.csv").stat().st_size > 3 * delimited.BYTES
