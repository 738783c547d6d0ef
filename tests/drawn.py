"""What was drawn (deepnet_cli/config/draws.py), as files."""

from pathlib import Path

import h5py
import yaml

from deepnet_cli.config.draws import Draw


def write(drawn: Draw, folder: Path) -> str:
    """The files of a draw; the command that checks them, and the config."""
    with h5py.File(folder / "draw.h5", "w") as file:
        file["x"], file["y"] = drawn.X.T, drawn.Y.T
        if drawn.weights is not None:
            file["w"] = drawn.weights
        layout = drawn.point.objective.network.layout
        for name, block in layout.views(drawn.theta).items():
            file[f"parameters/{name}"] = block
    text = yaml.safe_dump(drawn.tree, sort_keys=False)
    (folder / "draw.yaml").write_text(text)
    command = f"deepnet gradcheck {folder / 'draw.yaml'} --examples {drawn.X.shape[1]}"
    return f"{command}\n{text}"
