"""pydantic's findings in the words of a config's writer."""

from typing import Any

from pydantic import ValidationError

from deepnet_cli.config.document import Document, Path
from deepnet_cli.config.in_words import FORMS
from deepnet_cli.config.rates import schedule_meant
from deepnet_cli.config.scalars import plain_scalar
from deepnet_cli.config.unknown_keys import keys_at, unknown_key
from deepnet_cli.config.yaml_reader import INVALID
from deepnet_cli.errors import did_you_mean, listed, nearest

EXAMPLES = {
    ("data",): "data: {train: path/to/file.h5}",
    ("data", "train"): "train: path/to/file.h5",
    ("model",): "model: {layers: [64, 10]}",
    ("model", "layers"): "layers: [64, 10]",
    ("file",): "file: path/to/file.h5",
}

NOT_THE_FORM = (
    "model_type",
    "model_attributes_type",
    "union_tag_not_found",
    "tuple_type",
    "list_type",
    "union_tag_invalid",
    "too_long",
)


def note_problems(document: Document, found: ValidationError) -> None:
    """Add what pydantic found in the document's tree to its problems."""
    meant: set[Path] = set()
    errors = found.errors(include_url=False)
    for error in errors:
        if error["type"] == "extra_forbidden":
            path, key = _path(document.tree, error["loc"]), str(error["loc"][-1])
            known = [known for known in keys_at(error["loc"]) if known != key]
            chosen = _at(document.tree, path[:-1]).get("name") if len(path) > 1 else None
            document.add(path, unknown_key(key, known, chosen), at_key=True)
            meant.add((*path[:-1], nearest(key, known) or ""))
    for error in errors:
        loc, kind, value = error["loc"], error["type"], error["input"]
        path = _path(document.tree, loc)
        if kind == "extra_forbidden" or value is INVALID:
            continue  # told above, or when the text was read
        if kind == "missing":
            path = (*path, loc[-1])
            if path not in meant:
                document.add(path, f"missing{_example(path)}", at_key=True)
        elif place := _options_below(document.tree, path, loc, value):
            written = ", ".join(f"{option}: ..." for option in value)
            problem = f"options stand beside the name: {{name: {place[-1]}, {written}}}"
            document.add(place, problem, at_key=True)
        elif isinstance(value, dict) and (name := _discriminator(error)) in value:
            short = name not in _at(document.tree, path)  # {NAME: value}
            place = (*path, str(value[name]) if short else name)
            document.add(place, _message(kind, value, error["ctx"], ""), at_key=short)
        elif (form := _form(path, loc)) and _is_no_form(kind, value):
            document.add(path, f"expected {form}, found {described(value)}{_instead(path, value)}")
        else:
            document.add(path, _message(kind, value, error.get("ctx", {}), error["msg"]))


def _at(tree: object, path: Path) -> dict[str, object]:
    for part in path:
        tree = tree[part]  # type: ignore[index]
    return tree if isinstance(tree, dict) else {"name": tree}


def _options_below(tree: object, path: Path, loc: tuple[str | int, ...], value: object) -> Path:
    """The place of a name that has its options below it, {NAME: {option: value}}, or ()."""
    if not isinstance(value, dict) or not {*value} <= {*keys_at(loc)}:
        return ()
    for place in (path, path[:-1]):
        last = place[-1] if place else 0
        is_name = isinstance(last, str) and last in loc and last not in keys_at(place)
        if is_name and _at(tree, place) is value:
            return place
    return ()


def _discriminator(error: Any) -> str:
    """The key by whose value a mapping was to be told from others, where it is none of them."""
    if error["type"] != "union_tag_invalid":
        return ""
    return str(error["ctx"]["discriminator"]).strip("'")


def _is_no_form(kind: str, value: object) -> bool:
    """Whether a value has none of the forms of its place; a number in quotes nearly has."""
    if kind == "float_type":
        return not _is_quoted_number(value)
    return kind in NOT_THE_FORM or value is None


def _instead(path: Path, value: object) -> str:
    if path != ("training", "learning_rate") or not isinstance(value, str):
        return ""
    return f"; write {written}" if (written := schedule_meant(value)) else ""


def _form(path: Path, loc: tuple[str | int, ...]) -> str | None:
    """What may stand at a place; also where {NAME: value} stands for an option of its own name."""
    words = tuple(part for part in path if isinstance(part, str))
    option = [part for part in loc if isinstance(part, str) and not part.startswith("<")][-1:]
    return FORMS.get(words if set(option) <= set(words) else (*words[:-1], *option))


def _example(path: Path) -> str:
    keys = tuple(part for part in path if isinstance(part, str))
    example = EXAMPLES.get(keys) or EXAMPLES.get(keys[-1:])
    return f"; add '{example}'" if example else ""


def _path(tree: object, loc: tuple[str | int, ...]) -> Path:
    """The part of pydantic's place that stands in the tree: its names of variants drop out."""
    path: Path = ()
    for part in loc:
        if (isinstance(tree, dict) and part in tree) or (
            isinstance(tree, list) and isinstance(part, int) and part < len(tree)
        ):
            tree = tree[part]  # type: ignore[index]
            path = (*path, part)
    return path


def _message(kind: str, value: object, ctx: dict[str, Any], text: str) -> str:
    found = f"found {described(value)}"
    bounds = {
        "greater_than": f"must be > {ctx.get('gt', 0):g}",
        "greater_than_equal": f"must be >= {ctx.get('ge', 0):g}",
        "less_than": f"must be < {ctx.get('lt', 0):g}",
        "less_than_equal": f"must be <= {ctx.get('le', 0):,.16g}",
        "finite_number": "must be a finite number",
    }
    if kind in bounds:
        return f"{bounds[kind]}, {found}"
    if kind == "value_error":
        return str(ctx["error"])
    if kind == "union_tag_invalid":
        names = [name.strip(" '") for name in ctx["expected_tags"].split(",")]
        what, own = ctx.get("what", "name"), ctx.get("own", "")
        near = did_you_mean(ctx["tag"], names)
        return f"unknown {what} '{ctx['tag']}'{near} (one of {listed(names)}){own}"
    if kind == "literal_error":
        names = [
            name.strip(" '").lower()  # False is false in YAML
            for name in ctx["expected"].replace(" or ", ", ").split(",")
        ]
        near = did_you_mean(value, names) if isinstance(value, str) else ""
        return f"expected {' or '.join(names)}, {found}{near}"
    if kind == "too_short":
        return "the list is empty; it needs at least one entry"
    expected = {
        "float_type": "a number",
        "int_type": "a whole number",
        "bool_type": "true or false",
        "string_type": "text",
        "list_type": "a list such as [64, 10]",
        "model_type": "a mapping (key: value)",
        "model_attributes_type": "a mapping (key: value)",
    }.get(kind)
    if expected is None:
        return f"{text}, {found}"
    if kind in ("float_type", "int_type") and _is_quoted_number(value):
        return f"expected {expected}, {found}; remove the quotes"
    return f"expected {expected}, {found}"


def described(value: object) -> str:
    """A value as a config's writer would name it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"text '{value}'"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, (list, tuple)) else str(value)


def _is_quoted_number(value: object) -> bool:
    try:
        return isinstance(value, str) and type(plain_scalar(value)) in (int, float)
    except ValueError:
        return False
