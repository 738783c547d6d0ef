"""Turn after turn of a training loop by one call: with small networks Python would take longer
between two updates than the updates do.
"""

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepnet_cli.fused import native
from deepnet_cli.fused.tape import Tape

TURNS = """
define i64 @NAME(ptr %play, ptr %before, i64 %b, ptr %after, i64 %a, ptr %J, ptr %costs,
  ptr %numbers, ptr %places, i64 %width, i64 %turns) {
start:
br label %turn
turn:
%k = phi i64 [0, %start], [%k.next, %move]
call void %play(ptr %before, i64 %b)
%cost = load double, ptr %J
%place = getelementptr double, ptr %costs, i64 %k
store double %cost, ptr %place
%k.next = add i64 %k, 1
%nothing = fsub double %cost, %cost
%finite = fcmp oeq double %nothing, 0.0
br i1 %finite, label %feed, label %done
feed:
%first = mul i64 %k, %width
%row = getelementptr double, ptr %numbers, i64 %first
%any = icmp sgt i64 %width, 0
br i1 %any, label %next, label %move
next:
%i = phi i64 [0, %feed], [%i.next, %next]
%from = getelementptr double, ptr %row, i64 %i
%number = load double, ptr %from
%at = getelementptr ptr, ptr %places, i64 %i
%to = load ptr, ptr %at
store double %number, ptr %to
%i.next = add i64 %i, 1
%more = icmp slt i64 %i.next, %width
br i1 %more, label %next, label %move
move:
call void %play(ptr %after, i64 %a)
%again = icmp slt i64 %k.next, %turns
br i1 %again, label %turn, label %done
done:
ret i64 %k.next
}
"""


class Reel:
    """Each turn: the tapes `before`; the cost that they leave in J (1, 1), in float64; where it is
    finite, the tapes `after`, the last call of each with numbers of the turn's own.
    """

    def __init__(self, before: Sequence[Tape], J: NDArray[Any], after: Sequence[Tape]) -> None:
        self._kept = before, after, J
        self._before, self._after = (
            Tape.of(call for tape in tapes for call in tape.calls) for tapes in (before, after)
        )
        places = [place for tape in after for place in tape.places]
        self._places = (ctypes.c_int64 * len(places))(*places)
        pointer, count = ctypes.c_void_p, ctypes.c_ssize_t
        kinds = [pointer, pointer, count, pointer, count, *[pointer] * 4, count, count]
        self._turn = ctypes.CFUNCTYPE(count, *kinds)(native.compiled(TURNS)(""))

    def turn(self, numbers: NDArray[np.float64]) -> list[float]:
        """As many turns as `numbers` (turns, k) has rows, up to the first cost that is not finite.

        The costs of the turns; where the last of them is not finite, nothing came after it.
        """
        before, after, J = self._before, self._after, self._kept[2]
        costs = np.empty(len(numbers))
        made = self._turn(
            before.player,
            before.records,
            len(before.calls),
            after.records,
            len(after.calls),
            J.ctypes.data,
            costs.ctypes.data,
            numbers.ctypes.data,
            ctypes.addressof(self._places),
            *numbers.shape[::-1],
        )
        told: list[float] = costs[:made].tolist()
        return told
