"""A choice by name with options, made from a registry: NAME or {name: NAME, option: value}.

A registry of frozen dataclasses already says each entry's options, their types, defaults
and (in a field's metadata) bounds.  From it comes the pydantic model that checks a config
and describes it in the JSON Schema, so a new entry in a registry is a new word in a config.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import reduce
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

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
from pydantic_core import PydanticCustomError, PydanticKnownError

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


PLAIN = "<plain>"
"""Where pydantic names the variant of an entry: that of all which have no options."""


@dataclass(frozen=True, eq=False)
class AlsoAs:
    """Other forms in which a value may be written, for the JSON Schema: what a
    BeforeValidator makes of them is in the schema anyway.
    """

    forms: tuple[dict[str, Any], ...]

    def __get_pydantic_json_schema__(self, core: Any, handler: Callable[[Any], Any]) -> Any:
        return {"anyOf": [*self.forms, handler(core)]}


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
        options[option.name] = (_frozen(option.type, option.metadata), Field(default=default))

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


def one_of(names: Collection[str], what: str) -> Any:
    """A string that is one of `names`."""

    def check(value: str) -> str:
        if value not in names:
            near = did_you_mean(value, names)
            raise ValueError(f"unknown {what} '{value}'{near} (one of {listed(names)})")
        return value

    return Annotated[str, AfterValidator(check), Field(json_schema_extra={"enum": [*names]})]


def word_or(words: Any, other: Any) -> Any:
    """The type of a string out of `words`, or of the value `other` where it is no string."""
    return Annotated[
        Annotated[words, Tag("<word>")] | Annotated[other, Tag("<value>")],
        Discriminator(lambda value: "<word>" if isinstance(value, str) else "<value>"),
    ]


def one_or_list(one: Any) -> Any:
    """The type of one value, or of a list of such."""
    return Annotated[
        Annotated[one, Tag("<one>")] | Annotated[list[one], Tag("<list>")],
        Discriminator(lambda value: "<list>" if isinstance(value, list) else "<one>"),
    ]


def number_or(number: Any, options: Any) -> Any:
    """The type of a `number`, or of a mapping of `options`."""
    return Annotated[
        Annotated[number, Tag("<number>")] | Annotated[options, Tag("<options>")],
        Discriminator(
            lambda value: "<options>" if isinstance(value, (dict, Chosen)) else "<number>"
        ),
    ]


def _spelled_out(short: dict[Any, object], entries: Mapping[str, object]) -> dict[Any, object]:
    """{NAME: value} as {name: NAME, option: value}, by the first option; where there is none the
    value stays under NAME, which is no key.
    """
    ((name, value),) = short.items()
    return {"name": name, next((f.name for f in _options_of(entries.get(name))), name): value}


def _frozen(type_: Any, bounds: Mapping[str, Any]) -> Any:
    """An option's type: lists are taken for the tuples of a frozen entry.  Where it has a choice of
    forms their kind tells them apart, and the bounds are those of each number.
    """
    members = get_args(type_) if get_origin(type_) in (Union, UnionType) else (type_,)
    forms = [member for member in members if member is not NoneType]
    if len(forms) > 1:
        tagged = (_tagged(form, bounds) for form in forms)
        chosen: Any = Annotated[reduce(or_, tagged), Discriminator(_kind)]
    else:
        listed = (BeforeValidator(_tupled),) if get_origin(type_) is tuple else ()
        chosen = Annotated[forms[0], Field(**bounds), *listed]
    return chosen | None if len(members) > len(forms) else chosen


def _tagged(form: Any, bounds: Mapping[str, Any]) -> Any:
    """One form of an option with several, under the name of its kind."""
    number: Any = Annotated[float, Field(**bounds)]
    forms: dict[Any, Any] = {
        Literal: Annotated[form, Tag("<str>")],
        dict: Annotated[dict[str, number], Tag("<dict>")],
        tuple: Annotated[tuple[number, ...], BeforeValidator(_tupled), Tag("<tuple>")],
    }
    return forms.get(get_origin(form), Annotated[number, Tag("<number>")])


def _kind(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return "<tuple>"
    return f"<{type(value).__name__}>" if isinstance(value, (str, dict)) else "<number>"


def _tupled(value: object) -> object:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def _options_of(entry: object) -> list[Any]:
    return list(fields(entry)) if isinstance(entry, type) and is_dataclass(entry) else []


def _summary(entry: object) -> str | None:
    return (entry.__doc__ or "").strip() if isinstance(entry, type) else None
