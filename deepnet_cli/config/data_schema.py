"""The vocabulary of the `data` section: files, the datasets in them, and what is held out."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from deepnet_cli.config.forms import (
    AlsoAs,
    Section,
    one_or_list,
    options_or_number,
    word_or,
)
from deepnet_cli.config.options import Options, choice
from deepnet_cli.data.imputation import IMPUTATIONS
from deepnet_cli.data.scaling import SCALINGS

MOST_FOLDS = 1000
PATH = AlsoAs(({"type": "string"},))

if TYPE_CHECKING:
    Scale = float | Options
    Missing = float | list[float]
    Imputed = Options
    Column = int | str
else:
    Scale = options_or_number(choice(SCALINGS, "initial"), Annotated[float, Field(gt=0)])
    Missing = one_or_list(float)
    Imputed = choice(IMPUTATIONS, "refuse")
    Column = word_or(str, Annotated[int, Field(ge=0)])


def file_named(value: object) -> object:
    return {"file": value} if isinstance(value, str) else value


def _columns_named(value: object) -> object:
    return {"columns": value} if isinstance(value, list) else value


def _held_out_kind(value: object) -> str:
    keys = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    if "fold" in keys or "of" in keys:
        return "<fold>"
    return "<fraction>" if "fraction" in keys or "stratify" in keys else "<file>"


class DataFile(Section):
    """A file, and the datasets in it where they are not clear by themselves."""

    file: str
    x: str | None = None
    y: str | None = None
    weights: str | None = None


class TrainFile(DataFile):
    """Where rows belong together, `groups` tells which: what is split off has whole groups.
    `classes` names the classes by index.
    """

    groups: str | None = None
    classes: str | None = None


class Fraction(Section):
    """A seeded part of the training examples, held out."""

    fraction: float = Field(gt=0, lt=1)
    stratify: bool = False


class Fold(Section):
    """Number `fold` (from 1) of so many equal parts of the training examples, held out."""

    fold: int = Field(ge=1)
    of: int = Field(ge=2, le=MOST_FOLDS)
    stratify: bool = False

    @model_validator(mode="after")
    def _there_is_such_a_fold(self) -> Self:
        if self.fold > self.of:
            raise ValueError(f"there is no fold {self.fold} of {self.of}")
        return self


HeldOut = Annotated[
    Annotated[DataFile, Tag("<file>")]
    | Annotated[Fraction, Tag("<fraction>")]
    | Annotated[Fold, Tag("<fold>")],
    Discriminator(_held_out_kind),
    BeforeValidator(file_named),
    PATH,
]


class OneHot(Section):
    """Columns of x by number, from 0, or name; what becomes of values that training had not."""

    columns: Annotated[list[Column], Field(min_length=1)]
    unknown: Literal["refuse", "zeros"] = "refuse"


COLUMNS = AlsoAs(({"type": "array", "minItems": 1},))


class DataSection(Section):
    train: Annotated[TrainFile, BeforeValidator(file_named), PATH]
    validation: HeldOut | None = None
    test: HeldOut | None = None
    examples: Literal["first", "last"] = "first"
    scale: Scale = Field(default="auto", validate_default=True)
    impute: Imputed = Field(default="refuse", validate_default=True)
    missing: Missing | None = None
    one_hot: Annotated[OneHot, BeforeValidator(_columns_named), COLUMNS] | None = None
    scale_y: Literal["none", "standardize"] = "none"
    stream: Literal["auto"] | bool = "auto"
