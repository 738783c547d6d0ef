"""What reading has taken where examples are read while training goes on."""

from dataclasses import dataclass, field

from deepnet_cli.data.dealing.mixing import Mixing
from deepnet_cli.data.reading.ahead import Clock


@dataclass
class Flow:
    """`size` bytes of x were read by a thread that was at work for `clock.worked` seconds and was
    waited for `clock.waited` of them.
    """

    mixing: Mixing
    size: int = 0
    clock: Clock = field(default_factory=Clock)

    @property
    def rate(self) -> float:
        """Bytes that the reader makes batches of in a second."""
        return self.size / self.clock.worked if self.clock.worked else 0.0

    def told(self) -> dict[str, float]:
        """For the summary."""
        return {
            "bytes": self.size,
            "bytes_per_second": round(self.rate),
            "waited": round(self.clock.waited, 3),
        } | ({"mixing": round(self.mixing.ratio, 4)} if self.mixing.batches else {})
