"""A choice by name with options, made from a registry: NAME or {name: NAME, option: value}.

A registry of frozen dataclasses already says each entry's options, their types, defaults
and (in a field's metadata) bounds.  From it comes the pydantic model that checks a config
and describes it in the JSON Schema, so a new entry in a registry is a new word in a config.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import reduce
from operator import or_
from typing import Annotated, Any, ClassVar, Literal, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    create_model,
    model_validator,
)
from pydantic_core import PydanticKnownError

from deepnet_cli.errors import did_you_mean, listed


class Section(BaseModel):
    """A mapping of the config: nothing is coerced, nothing unknown passes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Chosen(Section):
    """One chosen entry of a registry, with its options; `key` is where its name stands."""

    key: ClassVar[str]

    def build(self, registry: Mapping[str, Callable[..., Any]]) -> Any:
        """The entry itself, made with these options."""
        return registry[getattr(self, self.key)](**self.model_dump(exclude={self.key}))


class Options(Chosen):
    """{name: NAME, option: value}"""

    key: ClassVar[str] = "name"
    name: str


def options_model(name: str, entry: object, base: type[Chosen] = Options) -> type[Chosen]:
    """The model of one registry entry's options; what the entry itself refuses, it does too."""
    options: dict[str, Any] = {base.key: (Literal[name], name)}
    for option in _options_of(entry):
        default = ... if option.default is MISSING else option.default
        options[option.name] = (_frozen(option.type), Field(default=default, **option.metadata))

    def made(chosen: Chosen) -> Chosen:
        if options.keys() - {base.key}:
            chosen.build({name: entry})  # type: ignore[dict-item]
        return chosen

    after: Any = {"made": model_validator(mode="after")(made)}
    doc = _summary(entry)
    return create_model(
        f"{name}_options", __base__=base, __doc__=doc, __validators__=after, **options
    )


def variants(registry: Mapping[str, object], base: type[Chosen]) -> Any:
    """The type of {KEY: NAME, option: value}, with the key that `base` names."""
    models = (options_model(name, entry, base) for name, entry in registry.items())
    return Annotated[reduce(or_, models), Field(discriminator=base.key)]


def choice(registry: Mapping[str, object], *words: str) -> Any:
    """The type of NAME | {name: NAME, option: value} | {NAME: value of its first option}.

    NAME is of the registry or one of `words`, which have no options.
    """
    entries = {**dict.fromkeys(words), **registry}

    def normalized(value: object) -> object:
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and len(value) == 1 and "name" not in value:
            ((name, option),) = value.items()
            first = _options_of(entries.get(name))[:1]
            return {"name": name, **{f.name: option for f in first}}
        return value

    return Annotated[variants(entries, Options), BeforeValidator(normalized)]


def growing_choice(
    registry: Mapping[str, object], options: Mapping[str, object], *words: str
) -> Any:
    """As `choice`, for a registry that is read when a name is checked: it may have grown since.

    Some of its entries have options, by name in `options`; what is registered later has none.
    """

    def normalized(value: object) -> object:
        if isinstance(value, dict) and len(value) == 1 and "name" not in value:
            ((name, option),) = value.items()
            first = _options_of(options.get(name))[:1]
            return {"name": name, **{f.name: option for f in first}}
        return {"name": value} if isinstance(value, str) else value

    def known(value: object) -> object:
        if not isinstance(value, dict):
            return value
        if "name" not in value:
            raise PydanticKnownError("union_tag_not_found", {"discriminator": "'name'"})
        names = [*words, *registry]
        if value["name"] not in names:
            tags = ", ".join(repr(name) for name in names)
            tag = {"discriminator": "'name'", "tag": str(value["name"]), "expected_tags": tags}
            raise PydanticKnownError("union_tag_invalid", tag)
        return value

    def tag(value: Any) -> str:
        name = value.get("name") if isinstance(value, dict) else getattr(value, "name", "")
        return f"<{name}>" if name in options else "<plain>"

    models = (
        Annotated[options_model(name, entry), Tag(f"<{name}>")] for name, entry in options.items()
    )
    union = reduce(or_, models, Annotated[Options, Tag("<plain>")])
    return Annotated[union, Discriminator(tag), BeforeValidator(known), BeforeValidator(normalized)]


def one_of(names: Collection[str], what: str, own: str = "") -> Any:
    """A string that is one of `names`, as they are when it is checked; `own` says what else."""

    def check(value: str) -> str:
        if value not in names:
            near = did_you_mean(value, names)
            raise ValueError(f"unknown {what} '{value}'{near} (one of {listed(names)}){own}")
        return value

    return Annotated[str, AfterValidator(check), Field(json_schema_extra={"enum": [*names]})]


def word_or(words: Any, other: Any) -> Any:
    """The type of a string out of `words`, or of the value `other` where it is no string."""
    return Annotated[
        Annotated[words, Tag("<word>")] | Annotated[other, Tag("<value>")],
        Discriminator(lambda value: "<word>" if isinstance(value, str) else "<value>"),
    ]


def number_or(number: Any, options: Any) -> Any:
    """The type of a `number`, or of a mapping of `options`."""
    return Annotated[
        Annotated[number, Tag("<number>")] | Annotated[options, Tag("<options>")],
        Discriminator(
            lambda value: "<options>" if isinstance(value, (dict, Chosen)) else "<number>"
        ),
    ]


def _frozen(type_: Any) -> Any:
    """An option's type, lists being taken for the tuples of a frozen entry."""
    return Annotated[type_, BeforeValidator(_tupled)] if get_origin(type_) is tuple else type_


def _tupled(value: object) -> object:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def _options_of(entry: object) -> list[Any]:
    return list(fields(entry)) if isinstance(entry, type) and is_dataclass(entry) else []


def _summary(entry: object) -> str | None:
    return (entry.__doc__ or "").strip() if isinstance(entry, type) else None
