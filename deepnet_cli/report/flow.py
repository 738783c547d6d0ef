"""What streaming did, in a line."""

from textwrap import fill

from deepnet_cli.data.flow import Flow
from deepnet_cli.memory import told


def flow_text(flow: Flow, seconds: float) -> str:
    """How much was read and how fast, how long training waited for it, how well it was mixed."""
    waited = f"training waited for it {flow.clock.waited:.1f} of {seconds:.1f} s"
    mixed = f"batches differ {flow.mixing.ratio:.2f} times as much as chance makes them"
    return fill(f"streamed {told(flow.size)} at {told(flow.rate)}/s; {waited}; {mixed}", 80)
