"""A key that does not stand where it is known, told to a config's writer."""

from typing import Any, get_args

from pydantic import BaseModel

from deepnet_cli.config.data_schema import HELD_OUT, TrainFile
from deepnet_cli.config.in_words import HELD_OUT_FORMS
from deepnet_cli.config.options import PLAIN
from deepnet_cli.config.schema import Config, LayerSpec
from deepnet_cli.errors import did_you_mean, listed


def unknown_key(key: str, known: list[str], chosen: object) -> str:
    """Where it belongs, or what was meant; `chosen` is the name beside it, whose options the keys
    are.
    """
    if told := _of_another_form(key, known):
        return told
    of_a_layer = f"unknown key here; it belongs to a layer: {{units: 64, {key}: ...}}"
    if near := did_you_mean(key, known):
        also = key in LayerSpec.model_fields
        return of_a_layer + near.replace("; did", "; or did") if also else f"unknown key{near}"
    if isinstance(chosen, str):
        options = [name for name in known if name not in ("name", "schedule")]
        there = f"one of {listed(options)}" if options else "it has none"
        return f"{chosen} has no such option ({there})"
    if known == ["name"]:
        return "unknown key; there are no options here"
    if key in Config.model_fields:
        return "unknown key here; it belongs at the top level"
    if key in TrainFile.model_fields:
        return (
            "unknown key here; it goes with a file: {file: FILE, x: NAME, y: NAME, weights: NAME}"
        )
    for name, section in Config.model_fields.items():
        for model in _models(section.annotation):
            if key in model.model_fields and key != "name":
                return f"unknown key here; it belongs under '{name}'"
    if key in LayerSpec.model_fields:
        return of_a_layer
    return f"unknown key (known here: {listed(known)})"


def _of_another_form(key: str, known: list[str]) -> str:
    """What to say in a held-out part of a key that belongs to another form of it, or nothing."""
    own = [form for form in HELD_OUT if set(known) == set(form.model_fields)]
    if not own or not any(key in form.model_fields for form in (*HELD_OUT, TrainFile)):
        return ""
    if not any(key in form.model_fields for form in HELD_OUT):
        return "unknown key here; it goes with data.train, and holds for what is split off of that"
    return f"does not go with {own[0].variant.strip('<>')}; give one of {HELD_OUT_FORMS}"


def keys_at(loc: tuple[str | int, ...]) -> list[str]:
    """The keys that a config may have beside the unknown one."""
    candidates: list[type[BaseModel]] = [Config]
    for part in loc[:-1]:
        fields = [m.model_fields[str(part)] for m in candidates if str(part) in m.model_fields]
        if fields:
            candidates = [model for field in fields for model in _models(field.annotation)]
        elif named := [m for m in candidates if _variant(m) == part]:
            candidates = named
    return list(dict.fromkeys(key for model in candidates for key in model.model_fields))


def _variant(model: type[BaseModel]) -> object:
    """What pydantic calls one model among several."""
    if variant := getattr(model, "variant", None):
        return variant
    field = model.model_fields.get(getattr(model, "key", "name"))
    return (PLAIN if field.is_required() else field.default) if field else None


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The pydantic models that an annotation speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]
