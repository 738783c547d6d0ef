"""What streaming did, in a line."""

from textwrap import fill

from deepnet_cli.data.dealing.flow import Flow
from deepnet_cli.memory import told


def flow_text(flow: Flow, seconds: float) -> str:
    """How much was read and how fast, how long training waited for it, how well it was mixed."""
    waited = f"training waited for it {flow.clock.waited:.1f} of {seconds:.1f} s"
    words = [f"streamed {told(flow.size)} at {told(flow.rate)}/s", waited]
    if flow.mixing.batches:
        ratio = f"{flow.mixing.ratio:.2f}"
        words.append(f"batches differ {ratio} times as much as chance makes them")
    return fill("; ".join(words), 80)
