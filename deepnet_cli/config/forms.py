"""The forms that a value of the config may have: a mapping, one of some words, a word or a number,
one or a list; and the type that an option of a registry's entry has in a config.

Where a value has a choice of forms, its kind tells which it is meant to be: an error is then
about that form alone.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
)

from deepnet_cli.errors import did_you_mean, listed


class Section(BaseModel):
    """A mapping of the config: nothing is coerced, nothing unknown passes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, eq=False)
class AlsoAs:
    """Other forms in which a value may be written, for the JSON Schema: what a
    BeforeValidator makes of them is in the schema anyway.
    """

    forms: tuple[dict[str, Any], ...]

    def __get_pydantic_json_schema__(self, core: Any, handler: Callable[[Any], Any]) -> Any:
        return {"anyOf": [*self.forms, handler(core)]}


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
            lambda value: "<options>" if isinstance(value, (dict, Section)) else "<number>"
        ),
    ]


def options_or_number(options: Any, number: Any) -> Any:
    """The type of a `number`, or where it is none of what names `options`."""
    return Annotated[
        Annotated[options, Tag("<options>")] | Annotated[number, Tag("<number>")],
        Discriminator(lambda value: "<number>" if _is_number(value) else "<options>"),
    ]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def option_type(type_: Any, bounds: Mapping[str, Any]) -> Any:
    """An option's type: lists are taken for the tuples of a frozen entry.  Where it has a choice of
    forms their kind tells them apart, and the bounds are those of each number.
    """
    members = get_args(type_) if get_origin(type_) in (Union, UnionType) else (type_,)
    forms = [member for member in members if member is not NoneType]
    if len(forms) > 1:
        tagged = (_tagged(form, bounds) for form in forms)
        chosen: Any = Annotated[reduce(or_, tagged), Discriminator(_kind)]
    else:
        tupled = (BeforeValidator(_tupled),) if get_origin(type_) is tuple else ()
        chosen = Annotated[forms[0], Field(**bounds), *tupled]
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
