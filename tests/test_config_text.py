"""What is written as YAML is read back as it was."""

from hypothesis import given, settings
from hypothesis import strategies as st

from deepnet_cli.config.resolved import differences
from deepnet_cli.config.scalars import plain_scalar
from deepnet_cli.config.yaml_reader import parse
from deepnet_cli.config.yaml_writer import dumped

SURPRISES = ["1e3", "0o17", "1.e3", "12e03", "010", "0x10", "1_000", "1:30", "yes", "no", "on"]
SURPRISES += ["~", "", "null", "true", ".nan", ".inf", "1e400", "9" * 30, "=", "<<", "- a", "#a"]
SURPRISES += [" a ", "a: b", "a #b", "'", '"', "2020-01-01", "*a", "&a", "!a", "%a", "@a", "`a"]

text = st.one_of(
    st.sampled_from(SURPRISES),
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20),
)
scalars = st.one_of(
    text,
    st.booleans(),
    st.integers(-(10**16), 10**16),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(
    st.dictionaries(
        st.sampled_from("abc"), st.one_of(scalars, st.lists(scalars, max_size=3)), min_size=1
    )
)
@settings(max_examples=150, derandomize=True, deadline=None)
def test_any_text_and_number_comes_back(tree: dict[str, object]) -> None:
    document = parse(dumped(tree).encode(), "c.yaml")
    assert not document.problems
    assert document.tree == tree


def test_numbers_of_yaml_1_2() -> None:
    for word, value in {"1e-3": 0.001, "1e4": 10000, "-2": -2, "0.5": 0.5, ".5": 0.5}.items():
        read = plain_scalar(word)
        assert (read, type(read)) == (value, type(value))
    for word in ("yes", "no", "on", "off", "nan", "inf", "1e", "e5", "2020-01-01", "1.2.3"):
        assert plain_scalar(word) == word


def test_differences_are_told_by_key() -> None:
    old, new = "a: {b: 1, c: [1, 2]}\nd: x\n", "a: {b: 2, c: [1, 2]}\n"
    assert differences(old, new) == {"a.b": "a.b: 1 -> 2", "d": "d: x -> None"}
