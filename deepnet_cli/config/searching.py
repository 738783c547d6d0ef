"""What a rule that searches asks of a config: one J for all the points that it tries."""

from collections.abc import Iterator

from deepnet_cli.config.document import Document, Path
from deepnet_cli.config.schema import LayerSpec, ModelSection, TrainingSection
from deepnet_cli.optim.searches import SEARCHES

CHANGING = "the search needs the same J at each point that it tries"
LENGTH = "the search finds the length of each step"


def check_search(document: Document, training: TrainingSection, model: ModelSection) -> None:
    """Full batches without chance in them, and nothing that changes a step once it is found."""
    rule = training.optimizer.name
    if rule not in SEARCHES:
        return
    for path, why, instead in _refused(training, model):
        document.add(path, f"{why}; with {rule} {instead}")
    rate = training.learning_rate
    if isinstance(rate, float) and rate != TrainingSection.model_fields["learning_rate"].default:
        document.warn(("training", "learning_rate"), f"plays no part with {rule}: {LENGTH}")
    own = [layer.l1 for layer in model.layers]
    penalized: dict[Path, float | None] = {("training", "l1"): training.l1 * (None in own)}
    penalized |= {("model", "layers", l, "l1"): strength for l, strength in enumerate(own)}
    for path, strength in penalized.items():
        if strength:
            document.warn(path, f"has kinks, of which {rule} knows nothing: no weight becomes 0")


def _refused(training: TrainingSection, model: ModelSection) -> Iterator[tuple[Path, str, str]]:
    """Where something stands, why it does not go with a search, and what to write."""
    if training.batch_size != "full":
        yield ("training", "batch_size"), CHANGING, "use batch_size: full"
    if not isinstance(training.learning_rate, float):
        yield ("training", "learning_rate"), LENGTH, "leave the schedule out"
    for key in ("input_dropout", "input_noise"):
        if getattr(model, key):
            yield ("model", key), CHANGING, f"leave {key} out; l2 holds weights back too"
    if training.mixup:
        yield ("training", "mixup"), CHANGING, "leave mixup out; l2 holds weights back too"
    for key in ("clip_norm", "clip_value", "max_norm"):
        if getattr(training, key) is not None:
            yield ("training", key), LENGTH, f"leave {key} out"
    if training.averaging is not None:
        why = "what is searched for is the last point, not the mean of those before"
        yield ("training", "averaging"), why, "leave averaging out"
    for l, layer in enumerate(model.layers):
        for key in ("dropout", "alpha_dropout"):
            if getattr(layer, key):
                at = ("model", "layers", l, key)
                yield at, CHANGING, f"leave {key} out; l2 holds weights back too"
        for key in ("max_norm", "rate_factor"):
            if getattr(layer, key) != LayerSpec.model_fields[key].default:
                yield ("model", "layers", l, key), LENGTH, f"leave {key} out"
