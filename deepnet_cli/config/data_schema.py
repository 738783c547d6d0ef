"""The vocabulary of the `data` section: files, the datasets in them, and what is held out."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from deepnet_cli.config.forms import (
    AlsoAs,
    Section,
    one_or_list,
    options_or_number,
    word_or,
)
from deepnet_cli.config.options import Options, choice
from deepnet_cli.data.encoding.imputation import IMPUTATIONS
from deepnet_cli.data.encoding.scaling import SCALINGS

MOST_FOLDS = 1000
TEXT = {"type": "string"}
PATH, PATHS = AlsoAs((TEXT,)), AlsoAs((TEXT, {"type": "array", "items": TEXT}))

Take = Literal["auto", "random", "last"]

if TYPE_CHECKING:
    Scale = float | Options
    Missing = float | list[float]
    Files = str | list[str]
    Imputed = Options
    Column = int | str
else:
    Scale = options_or_number(choice(SCALINGS, "initial"), Annotated[float, Field(gt=0)])
    Missing = one_or_list(float)
    Files = one_or_list(str)
    Imputed = choice(IMPUTATIONS, "refuse")
    Column = word_or(str, Annotated[int, Field(ge=0)])


def file_named(value: object) -> object:
    return {"file": value} if isinstance(value, str) else value


def _files_named(value: object) -> object:
    return {"file": value} if isinstance(value, str | list) else value


def _columns_named(value: object) -> object:
    return {"columns": value} if isinstance(value, list) else value


def _held_out_kind(value: object) -> str:
    keys = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    own = {"rows": "<rows>", "fold": "<fold>", "of": "<fold>"}
    own |= dict.fromkeys(("fraction", "stratify", "take"), "<fraction>")
    return next((kind for key, kind in own.items() if key in keys), "<file>")


class DataFile(Section):
    """A file or several, those of the training examples if none is named, and the datasets in it
    where they are not clear by themselves.
    """

    variant: ClassVar[str] = "<file>"
    file: Files | None = None
    x: str | None = None
    y: str | None = None
    weights: str | None = None

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if self.file is None and self.x is None:
            raise ValueError("name a file, or x in the training file: {x: NAME, y: NAME}")
        return self


class TrainFile(DataFile):
    """Where rows belong together, `groups` tells which: what is split off has whole groups.
    `times` says in which order they came, `rows` which of them there are to train on, `classes`
    names the classes by index.
    """

    file: Files
    groups: str | None = None
    classes: str | None = None
    times: str | None = None
    rows: str | None = None


class NamedRows(Section):
    """Rows of the training file: their numbers stand in a dataset, perhaps of another file."""

    variant: ClassVar[str] = "<rows>"
    rows: str
    file: str | None = None


class Fraction(Section):
    """A part of the training examples, held out: seeded, or the last of them."""

    variant: ClassVar[str] = "<fraction>"
    fraction: float = Field(gt=0, lt=1)
    stratify: bool = False
    take: Take = "auto"


class Fold(Section):
    """Number `fold` (from 1) of so many equal parts of the training examples, held out."""

    variant: ClassVar[str] = "<fold>"
    fold: int = Field(ge=1)
    of: int = Field(ge=2, le=MOST_FOLDS)
    stratify: bool = False
    take: Take = "auto"

    @model_validator(mode="after")
    def _there_is_such_a_fold(self) -> Self:
        if self.fold > self.of:
            raise ValueError(f"there is no fold {self.fold} of {self.of}")
        return self


HELD_OUT = (DataFile, NamedRows, Fraction, Fold)
HeldOut = Annotated[
    Annotated[DataFile, Tag(DataFile.variant)]
    | Annotated[NamedRows, Tag(NamedRows.variant)]
    | Annotated[Fraction, Tag(Fraction.variant)]
    | Annotated[Fold, Tag(Fold.variant)],
    Discriminator(_held_out_kind),
    BeforeValidator(_files_named),
    PATHS,
]


class OneHot(Section):
    """Columns of x by number, from 0, or name; what becomes of values that training had not."""

    columns: Annotated[list[Column], Field(min_length=1)]
    unknown: Literal["refuse", "zeros"] = "refuse"


NUMBER_OR_NAME = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]}
COLUMNS = AlsoAs(({"type": "array", "items": NUMBER_OR_NAME, "minItems": 1},))


class DataSection(Section):
    train: Annotated[TrainFile, BeforeValidator(_files_named), PATHS]
    validation: HeldOut | None = None
    test: HeldOut | None = None
    examples: Literal["first", "last"] = "first"
    scale: Scale = Field(default="auto", validate_default=True)
    impute: Imputed = Field(default="refuse", validate_default=True)
    missing: Missing | None = None
    one_hot: Annotated[OneHot, BeforeValidator(_columns_named), COLUMNS] | None = None
    scale_y: Literal["none", "standardize"] = "none"
    stream: Literal["auto", True, False] = "auto"

    def in_order(self, part: Fraction | Fold) -> bool:
        """Whether what is held out is what came last."""
        return part.take == "last" or (part.take == "auto" and self.train.times is not None)

    @property
    def knows_order(self) -> bool:
        """Whether examples have an order of time: one is named, or that of the file is used."""
        held_out = (self.validation, self.test)
        last = any(isinstance(p, Fraction | Fold) and p.take == "last" for p in held_out)
        return last or self.train.times is not None

    def file_of(self, part: DataFile | NamedRows) -> str | list[str]:
        """The file that a part names, or that of the training examples."""
        return part.file or self.train.file

    def others(self, part: DataFile) -> tuple[str | None, ...]:
        """Datasets in a part's file that are neither x nor y nor weights."""
        train = self.train
        names = (train.groups, train.classes, train.times, train.rows)
        named = [(train.file, name) for name in names]
        named += [
            (self.file_of(held), held.rows)
            for held in (self.validation, self.test)
            if isinstance(held, NamedRows)
        ]
        return tuple(name for file, name in named if file == self.file_of(part))

    @property
    def takes_over(self) -> bool:
        """Whether x is encoded as in the model that training starts from."""
        return not isinstance(self.scale, float) and self.scale.name == "initial"
