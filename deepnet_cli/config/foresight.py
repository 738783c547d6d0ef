"""How much memory training takes, before any of it is taken."""

from deepnet_cli.config.architecture import build_augmentations, build_network
from deepnet_cli.config.document import Document
from deepnet_cli.config.reduction import bytes_needed
from deepnet_cli.config.schema import Config
from deepnet_cli.data.encoding.streamed import WINDOW
from deepnet_cli.errors import ConfigError, MachineError
from deepnet_cli.memory import available_memory, told
from deepnet_cli.nn.network import Network
from deepnet_cli.optim.rule import Rule

REDUCTION = "span of the examples"


def memory_needed(
    config: Config, network: Network, rule: Rule, m: int, size: int, reduced: int | None
) -> dict[str, int]:
    """Bytes: theta with its gradient, best and last good copies, and one that is being written;
    slots, and what an update takes beside; A and dA of a batch; in mixed precision, all that is
    multiplied in bfloat16; where examples are changed, copies of a batch; where they are read while
    training goes on, the windows that they are dealt from; where the features are reduced, what
    that takes.
    """
    width = config.compute.dtype.itemsize
    span = {REDUCTION: bytes_needed(network, m, width)} if reduced else {}
    examples = {"augmented batch": 2 * size * (reduced or network.features) * width}
    batch = examples if build_augmentations(config) else {}
    if config.data.stream is True:
        example = (network.features + network.sizes[-1]) * width
        batch["windows"] = 2 * min(max(WINDOW, size * example), m * example)
    P = build_network(config, reduced or network.features).layout.size
    factors = {"factors in bfloat16": 2 * (P + (network.features + network.floats) * size)}
    rounded = factors if config.compute.precision == "mixed" else {}
    return {
        "parameters": P * width,
        "gradient": P * width,
        "optimizer": P * (rule.n_slots * width + rule.scratch),
        "copies to fall back on": P * (4 + 3 * rule.n_slots) * width,
        "activations": network.floats * size * width,
        **rounded,
        **batch,
        **span,
    }


def check_memory(memory: dict[str, int], size: int, document: Document) -> None:
    """Raise ConfigError where the network is too large, MachineError where the batch is."""
    needed, there = sum(memory.values()), available_memory()
    if needed <= there:
        return
    message = f"training needs about {told(needed)}; {told(there)} available"
    if needed - memory.get(REDUCTION, 0) <= there:
        most = f"{told(memory[REDUCTION])} of it for the span of the examples"
        error = MachineError(f"{message}, {most}; set compute.reduce to false")
        raise document.error(("compute", "reduce"), error)
    of_batch = sum(memory.get(name, 0) for name in ("activations", "augmented batch", "windows"))
    if needed - of_batch * (size - 1) // size > there:
        raise document.error(("model", "layers"), ConfigError(f"{message}; use fewer units"))
    batch = f"{told(of_batch)} of it for a batch of {size}"
    error = MachineError(f"{message}, {batch}; use a smaller batch_size")
    raise document.error(("training", "batch_size"), error)
