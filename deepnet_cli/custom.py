"""What a file for --code imports: see docs/custom.md."""

from deepnet_cli.nn.custom import activation, loss

__all__ = ["activation", "loss"]
