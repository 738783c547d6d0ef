"""What the config says that x becomes, fitted to the training part or taken from a model."""

from deepnet_cli.config.data_schema import DataSection
from deepnet_cli.config.document import Document
from deepnet_cli.config.pretrained import Pretrained
from deepnet_cli.config.schema import Config
from deepnet_cli.data.encoding.imputation import IMPUTATIONS
from deepnet_cli.data.encoding.inputs import Inputs, Recipe
from deepnet_cli.data.encoding.scaling import SCALINGS, Divided
from deepnet_cli.data.reading.tables import Table
from deepnet_cli.errors import DataError, MachineError, did_you_mean
from deepnet_cli.memory import available_memory, told


def inputs_of(
    config: Config, document: Document, pretrained: Pretrained | None, table: Table
) -> Inputs:
    """What the network is to see of x.  Raises errors with their place."""
    data = config.data
    if data.takes_over and pretrained is not None:
        return _initial(document, pretrained, table)
    recipe = Recipe(
        Divided(data.scale) if isinstance(data.scale, float) else data.scale.build(SCALINGS),
        None if data.impute.name == "refuse" else data.impute.build(IMPUTATIONS),
        _missing(data),
        _one_hot(data, document, table),
        data.one_hot.unknown if data.one_hot else "refuse",
    )
    with document.at("data", "train"):
        inputs, doubts = recipe.fit(table)
    for doubt in doubts:
        document.warn(("data", "train"), doubt)
    needed, there = table.m * inputs.features * config.compute.dtype.itemsize, available_memory()
    if data.one_hot is not None and table.held and needed > there:
        problem = f"{table.x_at} has {inputs.features} features, which take {told(needed)}"
        hint = f"{told(there)} available; set data.stream: true"
        raise document.error(("data", "one_hot"), MachineError(f"{problem}; {hint}"))
    return inputs


def _initial(document: Document, pretrained: Pretrained, table: Table) -> Inputs:
    """Those of the model that training starts from."""
    inputs, columns = pretrained.inputs, table.rows.shape[1]
    if inputs is None:
        problem = f"{pretrained.path}: has no /scaling, as a model.h5 has; name a scaling"
    elif inputs.columns != columns:
        problem = (
            f"{pretrained.path}: its scaling is of {inputs.columns} features "
            f"but {table.x_at} has {columns}"
        )
    else:
        return inputs
    raise document.error(("data", "scale"), DataError(problem))


def _missing(data: DataSection) -> tuple[float, ...]:
    values = data.missing
    return () if values is None else tuple(values) if isinstance(values, list) else (values,)


def _one_hot(data: DataSection, document: Document, table: Table) -> tuple[int, ...]:
    """The numbers of the columns that are named.  Raises ConfigError."""
    found, n = dict[int, str | int](), table.rows.shape[1]
    by_name = {name: j for j, name in enumerate(table.feature_names)}
    columns = data.one_hot.columns if data.one_hot else []
    for k, named in enumerate(columns):
        j = by_name.get(named) if isinstance(named, str) else named
        if j is None:
            near = did_you_mean(str(named), by_name) or "; name it by its number, from 0"
            problem = f"{table.x_at} has no column '{named}'{near}"
        elif j >= n:
            problem = f"{table.x_at} has no column {j}; its {n} columns are 0 to {n - 1}"
        elif j in found:
            problem = f"{named} is the same column as {found[j]}"
        else:
            found[j] = named
            continue
        document.add(("data", "one_hot", k), problem)
    document.raise_problems()
    return tuple(found)
