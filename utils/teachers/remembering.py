"""A teacher that is asked once about each row, and answers from memory in every later epoch.

It keeps the last hidden states, which are many times narrower than logits; the output layer makes the same logits from
them again.  In train mode, or called with more than a batch's ids and mask, the teacher is asked each time.
(`utils.teachers.cache` keeps answers on disk, from one run to the next.)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

from utils.data.batches import positions_of
from utils.models.forward import computes_in
from utils.models.loading import require_frozen
from utils.teachers.cached import spans

KEPT_BYTES = 2**29

Place = tuple[int, slice, tuple[int, ...]]  # a document of a batch: its row, where it stands there, and its tokens


class RememberingTeacher(nn.Module):
    """Called with `input_ids` and `attention_mask`, it returns the teacher's `.logits`, float32, (B, S, V).

    It keeps up to `kept_bytes` of last hidden states on the teacher's device; about rows beyond that, and where the
    output layer alone does not make the logits, the teacher is asked each time.  Logits at padding mean nothing.
    Remembered logits equal the teacher's up to rounding, and so does the end of a run that goes on in another process.
    Raises CourseError for a teacher that still learns.
    """

    def __init__(self, teacher: PreTrainedModel, kept_bytes: int = KEPT_BYTES):
        super().__init__()
        require_frozen(teacher)
        self.teacher, self.config = teacher, teacher.config
        self.room = kept_bytes
        self.kept: dict[tuple[int, ...], Tensor] = {}
        self.eval()

    @torch.no_grad()
    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, **others: object) -> CausalLMOutput:
        """The answers to the rows of a batch, padded on either side or packed (`utils.data.batches.pack`)."""
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask, **others}
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        if self.teacher.training or not _ask_for_logits_alone(others, mask):
            return self.teacher(**inputs)
        ids = input_ids.tolist()
        places = [(row, slice(a, b), tuple(ids[row][a:b])) for row, a, b in spans(mask.cpu())]
        new = sorted({row for row, _, tokens in places if tokens not in self.kept})
        if places and not new:
            return CausalLMOutput(logits=self._logits(self._recall(input_ids, places)))
        if len(new) == len(ids) or not places:
            return CausalLMOutput(logits=self._ask(inputs, places))
        known = [place for place in places if place[0] not in new]
        logits = self._logits(self._recall(input_ids, known))
        some = {name: tensor[new] for name, tensor in inputs.items() if isinstance(tensor, Tensor)}
        asked = [(new.index(row), place, tokens) for row, place, tokens in places if row in new]
        logits[new] = self._ask(some, asked)
        return CausalLMOutput(logits=logits)

    def _ask(self, inputs: dict[str, Tensor], places: list[Place]) -> Tensor:
        """The logits as the teacher gives them, and its hidden states kept where they make the same ones again."""
        answer = self.teacher(**inputs, output_hidden_states=True)
        hidden, logits = answer.hidden_states[-1], answer.logits.float()
        if self.kept or torch.allclose(self._logits(hidden), logits, atol=1e-3, rtol=1e-3):
            self._keep(hidden, places)
        return logits

    def _logits(self, hidden: Tensor) -> Tensor:
        dtype = computes_in(self.teacher)
        with torch.autocast(hidden.device.type, dtype=dtype, enabled=dtype != torch.float32):
            return self.teacher.get_output_embeddings()(hidden).float()

    def _recall(self, input_ids: Tensor, places: list[Place]) -> Tensor:
        some = self.kept[places[0][2]]
        hidden = some.new_zeros(*input_ids.shape, some.shape[-1])
        for row, place, tokens in places:
            hidden[row, place] = self.kept[tokens]
        return hidden

    def _keep(self, hidden: Tensor, places: list[Place]) -> None:
        for row, place, tokens in places:
            states = hidden[row, place].clone()
            if tokens not in self.kept and states.nbytes <= self.room:
                self.kept[tokens] = states
                self.room -= states.nbytes


def _ask_for_logits_alone(others: dict[str, object], mask: Tensor) -> bool:
    """Whether a call's other arguments change nothing: none, or the positions that the mask gives anyway."""
    return not others or (others.keys() == {"position_ids"} and torch.equal(others["position_ids"], positions_of(mask)))
