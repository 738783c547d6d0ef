"""What the processor is, as Linux tells it; elsewhere nothing is known of it."""

from functools import cache
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


def is_intel() -> bool:
    """Whether Intel made it."""
    return "GenuineIntel" in _field("vendor_id")


def is_amd() -> bool:
    """Whether AMD made it."""
    return "AuthenticAMD" in _field("vendor_id")


def has_avx512() -> bool:
    """Whether it multiplies 16 pairs of float32 at once."""
    return "avx512f" in _field("flags")


def has_bfloat16() -> bool:
    """Whether it multiplies pairs of bfloat16, by AVX-512 or by AMX."""
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(_field("flags"))


@cache
def _field(name: str) -> frozenset[str]:
    """The words of a field, of the first core."""
    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:
        return frozenset()
    fields = (line.partition(":") for line in lines)
    return next(
        (frozenset(words.split()) for key, _, words in fields if key.strip() == name), frozenset()
    )
