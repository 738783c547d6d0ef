"""ONNX Runtime: the network as Gemm, Relu, ..., Softmax in one session."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.peers.cases import Prediction, read_initial, read_rows
from benchmarks.peers.reference import Array
from benchmarks.peers.threads import threads


class Predictor:
    """A session with all optimizations, its outputs put into one array."""

    def __init__(self, case: Prediction, directory: Path) -> None:
        options: Any = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        self.session: Any = onnxruntime.InferenceSession(
            graph(case, directory), options, providers=["CPUExecutionProvider"]
        )
        self.x, self.batch = read_rows(directory), case.batch
        self.A = np.empty((len(self.x), case.sizes[-1]), np.float32)

    def run(self, times: int) -> None:
        for first in [*range(0, len(self.x), self.batch)] * times:
            rows = slice(first, first + self.batch)
            (self.A[rows],) = self.session.run(None, {"x": self.x[rows]})

    def outcome(self) -> dict[str, Array]:
        return {"A": self.A[:1000]}


def graph(case: Prediction, directory: Path) -> bytes:
    """The model file."""
    nodes, last, L = [], "x", len(case.sizes) - 1
    for l in range(1, L + 1):
        nodes.append(helper.make_node("Gemm", [last, f"W{l}", f"b{l}"], [f"Z{l}"], transB=1))
        kind, last = ("Relu" if l < L else "Softmax"), f"A{l}"
        nodes.append(helper.make_node(kind, [f"Z{l}"], [last]))
    x, A = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", n])
        for name, n in (("x", case.sizes[0]), (last, case.sizes[-1]))
    )
    p = [numpy_helper.from_array(p, name) for name, p in read_initial(directory).items()]
    network = helper.make_graph(nodes, "network", [x], [A], p)
    model = helper.make_model(network, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])
    content: bytes = model.SerializeToString()
    return content
