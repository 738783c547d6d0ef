"""Who takes part in what: the registry of peers and of contests."""

from dataclasses import dataclass, replace

from benchmarks.peers.cases import CASES, Training
from benchmarks.peers.machine import installed
from benchmarks.peers.processes import Contestant, Script, Worker


@dataclass(frozen=True)
class Peer:
    """Where a peer is made ("file:name" in this folder) and the packages that it needs."""

    start: str
    needs: tuple[str, ...] = ()
    tolerance: float = 1e-3  # how far its outcome may be from the reference's

    @property
    def missing(self) -> str:
        """The packages that are not installed."""
        return ", ".join(name for name in self.needs if not installed(name))


@dataclass(frozen=True)
class Contest:
    """A case and who is timed in it, each in a `kind` of process."""

    case: Training
    kind: type[Contestant]
    peers: dict[str, Peer]
    trials: int = 0  # rounds with one thread as well as with all, to keep the faster
    rounds: int = 5


FLOOR = {
    "floor": Peer("floor:Floor"),
    "floor-mkl": Peer("floor_mkl:Floor", ("mkl",)),
}
STEPS = {
    "deepnet": Peer("deepnet:float32"),
    "jax": Peer("jax_scan:Jax", ("jax",)),
    "keras": Peer("keras_fit:Keras", ("keras", "jax"), tolerance=5e-3),  # Adam's epsilon, see docs
    "torch-compiled": Peer("pytorch_compiled:Compiled", ("torch",)),
    "torch": Peer("pytorch:eager", ("torch",)),
    "scikit-learn": Peer("scikit:Scikit", ("scikit-learn",), tolerance=5e-3),  # the same
}
MIXED = {
    "deepnet-mixed": Peer("deepnet:mixed", tolerance=1e-2),
    "torch-bf16": Peer("pytorch:bf16", ("torch",), tolerance=1e-2),
}
JOBS = {
    name: replace(STEPS[name], tolerance=1e-2)  # thousands of steps let roundings drift
    for name in ("deepnet", "jax", "keras", "torch", "scikit-learn")
}
RAGGED = {name: JOBS[name] for name in ("deepnet", "torch", "scikit-learn")}
"""Those who take the smaller last batch of an epoch as it comes."""

PREDICTORS = {
    "floor": Peer("floor:ForwardFloor"),
    "deepnet": Peer("deepnet:Predictor", tolerance=1e-4),
    "onnxruntime": Peer("onnx_runtime:Predictor", ("onnxruntime", "onnx"), tolerance=1e-4),
    "torch": Peer("pytorch:Predictor", ("torch",), tolerance=1e-4),
}

CONTESTS = {
    contest.case.name: contest
    for contest in (
        Contest(CASES["course"], Worker, FLOOR | STEPS, trials=2),
        Contest(CASES["tabular"], Worker, FLOOR | STEPS, trials=2),
        Contest(CASES["mnist"], Worker, FLOOR | STEPS, trials=2),
        Contest(CASES["wide"], Worker, FLOOR | STEPS | MIXED, rounds=3),
        Contest(CASES["course-job"], Script, JOBS, trials=1, rounds=3),
        Contest(CASES["digits-job"], Script, RAGGED, trials=1),
        Contest(CASES["predict"], Worker, PREDICTORS),
    )
}
