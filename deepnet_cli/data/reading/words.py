"""What datasets are called: the words for x, y and parts, and how surely a name says them.

Case does not matter, and -, . and a space are as _.
"""

import re
from collections.abc import Iterable
from functools import cache
from itertools import product, takewhile

from deepnet_cli.data.files.survey import Entry

Words = tuple[str, ...]

X_WORDS: Words = ("x", "features", "inputs", "input", "data", "images", "image", "samples")
Y_WORDS: Words = ("y", "labels", "label", "targets", "target", "outputs", "output", "classes")
OTHER_WORDS: Words = ("weights", "weight", "sample_weights", "sample_weight", "groups", "group")
OTHER_WORDS += ("index", "indices", "id", "ids")
NAMING_WORDS: Words = ("id", "ids", "index", "indices", "name", "names", "key", "keys")
PART_WORDS: dict[str, Words] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
PATTERNS: Words = ("{word}_{part}", "{part}_{word}", "{part}_set_{word}")
PATTERNS += ("{part}/{word}", "{word}/{part}", "{word}{part}", "{part}{word}")

Rank = tuple[int, ...]
"""How surely a name says what it is, the surest being the least."""


@cache
def _wanted(part: str, words: Words, plain: bool) -> dict[str, Rank]:
    """Every name that says "these are `words` of `part`", or does not speak of a part."""
    of_part = [
        pattern.format(word=word, part=part_word)
        for word, part_word, pattern in product(words, PART_WORDS[part], PATTERNS)
    ]
    ranks: dict[str, Rank] = {word: (1, i) for i, word in enumerate(words) if plain}
    return ranks | {name: (0, i) for i, name in reversed([*enumerate(of_part)])}


def ranked(
    entries: Iterable[Entry],
    part: str,
    words: Words,
    *,
    plain: bool = True,
    near: str = "",
) -> dict[str, Rank]:
    """The datasets whose name, or the end of it, says that they are `words` of `part`.

    The surest say the part, stand in the groups of `near`, and in few others.
    """
    found: dict[str, Rank] = {}
    for entry in entries:
        groups = re.sub(r"[-. ]", "_", entry.name.casefold()).split("/")
        common = _common(entry.name, near)
        ends = ("/".join(groups[k:]) for k in range(len(groups)))
        ranks = [
            (says[0], -common, k, says[1])
            for k, end in enumerate(ends)
            if (says := _wanted(part, words, plain).get(end))
            and not (says[0] and _speaks_of_another(groups, part))
        ]
        if ranks:
            found[entry.name] = min(ranks)
    return found


def says(name: str, words: Words) -> bool:
    """Whether one of the words stands in a name by itself: x_train, train_set_x, train/x."""
    return bool({*re.split(r"[-. _/]", name.casefold())} & {*words})


def _common(name: str, other: str) -> int:
    """How many groups two datasets are both in."""
    pairs = zip(name.split("/")[:-1], other.split("/")[:-1], strict=False)
    return len([*takewhile(lambda pair: pair[0] == pair[1], pairs)])


def _speaks_of_another(groups: list[str], part: str) -> bool:
    """Whether a path has the word of another part, and none of this one."""
    words = {word for group in groups for word in group.split("_")}
    others = {word for p in PART_WORDS if p != part for word in PART_WORDS[p]}
    return bool(words & others) and not words & {*PART_WORDS[part]}


def surest(named: dict[str, Rank]) -> str | None:
    """The name of the least rank, if just one has it."""
    best = [name for name, rank in named.items() if rank == min(named.values())]
    return best[0] if len(best) == 1 else None
