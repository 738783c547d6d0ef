"""A choice by name with options, made from a registry: NAME or {name: NAME, option: value}.

A registry of frozen dataclasses already says each entry's options, their types, defaults
and (in a field's metadata) bounds.  From it comes the pydantic model that checks a config
and describes it in the JSON Schema, so a new entry in a registry is a new word in a config.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import reduce
from operator import or_
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

from deepnet_cli.config.forms import AlsoAs, Section, option_type


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


PLAIN = "<plain>"
"""Where pydantic names the variant of an entry: that of all which have no options."""


def short_forms(names: Iterable[str], options: Mapping[str, object]) -> AlsoAs:
    """NAME, and {NAME: value} for a name that has options."""
    short = [name for name in names if _options_of(options.get(name))]
    one = {"minProperties": 1, "maxProperties": 1, "propertyNames": {"enum": short}}
    return AlsoAs(({"type": "string", "enum": [*names]}, {"type": "object", **one}))


def options_model(name: str, entry: object, base: type[Chosen] = Options) -> type[Chosen]:
    """The model of one registry entry's options; what the entry itself refuses, it does too."""
    options: dict[str, Any] = {base.key: (Literal[name], name)}
    for option in _options_of(entry):
        default = ... if option.default is MISSING else option.default
        options[option.name] = (option_type(option.type, option.metadata), Field(default=default))

    def made(chosen: Chosen) -> Chosen:
        if options.keys() - {base.key}:
            chosen.build({name: entry})  # type: ignore[dict-item]
        return chosen

    after: Any = {"made": model_validator(mode="after")(made)}
    doc = _summary(entry)
    return create_model(
        f"{name}_{base.__name__.lower()}",
        __base__=base,
        __doc__=doc,
        __validators__=after,
        **options,
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
            return _spelled_out(value, entries)
        return value

    forms = short_forms(entries, entries)
    return Annotated[variants(entries, Options), BeforeValidator(normalized), forms]


def growing_choice(
    registry: Mapping[str, object],
    options: Mapping[str, object],
    *words: str,
    what: str = "name",
    own: str = "",
) -> Any:
    """As `choice`, for a registry that is read when a name is checked: it may have grown since.

    Some of its entries have options, by name in `options`; what is registered later has none.
    Where a name is unknown it is called `what`, and `own` is added.
    """

    def normalized(value: object) -> object:
        if isinstance(value, dict) and len(value) == 1 and "name" not in value:
            return _spelled_out(value, options)
        return {"name": value} if isinstance(value, str) else value

    def known(value: object) -> object:
        if not isinstance(value, dict):
            return value
        if "name" not in value:
            raise PydanticKnownError("union_tag_not_found", {"discriminator": "'name'"})
        names = [*words, *registry]
        if value["name"] not in names:
            tags = ", ".join(repr(name) for name in names)
            found = {"discriminator": "'name'", "tag": str(value["name"]), "expected_tags": tags}
            told = {"what": what, "own": own}
            raise PydanticCustomError("union_tag_invalid", "unknown {what}", found | told)
        return value

    def tag(value: Any) -> str:
        name = value.get("name") if isinstance(value, dict) else getattr(value, "name", "")
        return str(name) if name in options else PLAIN

    models = (Annotated[options_model(name, entry), Tag(name)] for name, entry in options.items())
    bare: Any = {"enum": [name for name in (*words, *registry) if name not in options]}
    plain = create_model(
        f"{what}_without_options",
        __base__=Options,
        name=Annotated[str, Field(json_schema_extra=bare)],
    )
    union: Any = reduce(or_, models, Annotated[plain, Tag(PLAIN)])
    forms = short_forms([*words, *registry], options)
    before = (BeforeValidator(known), BeforeValidator(normalized))
    return Annotated[union, Discriminator(tag), *before, forms]


def _spelled_out(short: dict[Any, object], entries: Mapping[str, object]) -> dict[Any, object]:
    """{NAME: value} as {name: NAME, option: value}, by the first option; where there is none the
    value stays under NAME, which is no key.
    """
    ((name, value),) = short.items()
    return {"name": name, next((f.name for f in _options_of(entries.get(name))), name): value}


def _options_of(entry: object) -> list[Any]:
    return list(fields(entry)) if isinstance(entry, type) and is_dataclass(entry) else []


def _summary(entry: object) -> str | None:
    return (entry.__doc__ or "").strip() if isinstance(entry, type) else None
