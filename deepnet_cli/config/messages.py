"""pydantic's findings in the words of a config's writer."""

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from deepnet_cli.config.data_schema import TrainFile
from deepnet_cli.config.document import Document, Path
from deepnet_cli.config.scalars import plain_scalar
from deepnet_cli.config.schema import Config, LayerSpec
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
    "too_long",
)
FORMS: dict[Path, str] = {
    ("data", "train"): "a FILE or {file: FILE, x: NAME, y: NAME}",
    ("data", "validation"): "a FILE, {file: FILE}, {fraction: 0.1} or {fold: 1, of: 5}",
    ("data", "test"): "a FILE, {file: FILE}, {fraction: 0.1} or {fold: 1, of: 5}",
    ("loss",): "a name or {name: NAME}",
    ("training", "optimizer"): "a name or {name: NAME, option: value}",
    ("training", "averaging"): "a name or {name: NAME, option: value}",
    ("training", "learning_rate"): "a number or {schedule: NAME, initial: RATE}",
    ("training", "learning_rate", "points"): "pairs of a count and a rate: [[1000, 0.01]]",
    ("training", "early_stopping"): "a mapping such as {patience: 20}",
    ("model", "initialization"): "a name or {NAME: value}",
    ("model", "initial_parameters"): "a FILE or {file: FILE, layers: 2}",
    ("model", "layers", "batch_norm"): "true, false or {epsilon: 1e-5, momentum: 0.1}",
}
"""What may stand where several forms are allowed; layers are not counted."""


def note_problems(document: Document, found: ValidationError) -> None:
    """Add what pydantic found in the document's tree to its problems."""
    meant: set[Path] = set()
    errors = found.errors(include_url=False)
    for error in errors:
        if error["type"] == "extra_forbidden":
            path, key = _path(document.tree, error["loc"]), str(error["loc"][-1])
            known = [known for known in _keys_at(error["loc"]) if known != key]
            document.add(path, _unknown_key(key, known), at_key=True)
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
        elif kind == "union_tag_invalid" and isinstance(value, dict):
            key = str(error["ctx"]["discriminator"]).strip("'")
            short = key not in _at(document.tree, path)  # {NAME: value}
            place = (*path, str(value[key]) if short else key)
            document.add(place, _message(kind, value, error["ctx"], ""), at_key=short)
        elif (form := _form(path)) and (kind in NOT_THE_FORM or value is None):
            document.add(path, f"expected {form}, found {described(value)}")
        else:
            document.add(path, _message(kind, value, error.get("ctx", {}), error["msg"]))


def _at(tree: object, path: Path) -> dict[str, object]:
    for part in path:
        tree = tree[part]  # type: ignore[index]
    return tree if isinstance(tree, dict) else {"name": tree}


def _form(path: Path) -> str | None:
    return FORMS.get(tuple(part for part in path if isinstance(part, str)))


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
        return f"unknown name '{ctx['tag']}'{did_you_mean(ctx['tag'], names)} ({_one_of(names)})"
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


def _one_of(names: list[str]) -> str:
    return f"one of {listed(names)}"


def _unknown_key(key: str, known: list[str]) -> str:
    if near := did_you_mean(key, known):
        return f"unknown key{near}"
    if key in Config.model_fields:
        return "unknown key here; it belongs at the top level"
    if key in LayerSpec.model_fields:
        return f"unknown key here; it belongs to a layer: {{units: 64, {key}: ...}}"
    if key in TrainFile.model_fields:
        return (
            "unknown key here; it goes with a file: {file: FILE, x: NAME, y: NAME, weights: NAME}"
        )
    for name, section in Config.model_fields.items():
        for model in _models(section.annotation):
            if key in model.model_fields and key != "name":
                return f"unknown key here; it belongs under '{name}'"
    return f"unknown key (known here: {listed(known)})"


def _keys_at(loc: tuple[str | int, ...]) -> list[str]:
    """The keys that a config may have beside the unknown one."""
    candidates: list[type[BaseModel]] = [Config]
    for part in loc[:-1]:
        fields = [m.model_fields[str(part)] for m in candidates if str(part) in m.model_fields]
        if fields:
            candidates = [model for field in fields for model in _models(field.annotation)]
        elif named := [m for m in candidates if _default_name(m) == part]:
            candidates = named
    return list(dict.fromkeys(key for model in candidates for key in model.model_fields))


def _default_name(model: type[BaseModel]) -> object:
    field = model.model_fields.get(getattr(model, "key", "name"))
    return field.default if field else None


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The pydantic models that an annotation speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]
