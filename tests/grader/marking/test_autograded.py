"""In what is marked in the browser nothing of a learner's is active but links to the web, and honest text reads on."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from grader.marking.autograded import harmless

LINKED = re.compile(r'<(?:a|img|script|iframe|object|embed|form|base|meta)\b[^>]*?\s(?:href|src|action)="([^"]*)"')
ACTIVE = [
    "[proof](javascript:alert(1))",
    "[proof](JaVaScRiPt:alert(1))",
    "[proof]( \n javascript:alert(1))",
    "[proof](<javascript:alert(1)>)",
    "[proof](&#106;avascript:alert(1))",
    "[proof](java&#10;script:alert(1))",
    "[proof](vbscript:x)",
    "[proof](data:text/html;base64,PHNjcmlwdD4=)",
    "[proof](/logout)",
    "[proof](//tracker.example)",
    "[a [b] c](javascript:alert(1))",
    "[![x](http://tracker.example/p.png)](javascript:alert(1))",
    "[r]: javascript:alert(1)\n\n[proof][r] [r] [r][]",
    "[r]:\n  javascript:alert(1) 'title'\n\n[proof][r]",
    "> [r]: javascript:alert(1)\n\n[r]",
    "![](http://tracker.example/p.png)",
    "![p][r]\n\n[r]: http://tracker.example/p.png",
    "![](attachment:absent.png)",
    "![](data:image/svg+xml,x)",
    "<img src='http://tracker.example/p.png'>",
    "<javascript:alert(1)>",
    "```mermaid\ngraph TD; A-->B; click A href 'javascript:alert(1)'\n```",
    "~~~~ \N{NO-BREAK SPACE}mermaid\ngraph TD\n~~~~",
    "$$<script>alert(1)</script>$$",
]
HONEST = [
    "The *teacher* is **frozen**, see [the paper](https://arxiv.org/abs/1503.02531 'Hinton') or https://arxiv.org.",
    "[Write me](mailto:a@b.example), [above](#step-1), [as there][1].\n\n[1]: http://example.org/x",
    "$p_i[t](x)$ and $$\\sum_i p_i \\log \\frac{p_i}{q_i}$$",
    "    for row in rows[0]:\n        layers[0](row)\n\nand `f[0](x)`, `a[1:]`, not!\n\n- [x] done\n- [ ] open",
    "| T | loss |\n|---|---|\n| 2 | 1.3 |\n\n> quoted: [as it is]: so\n\n1. one\n2. two ~~three~~",
    "```python\nloss = losses[name](x)  # ![\n```\n\n~~~\nplain\n~~~",
]
PIECES = [
    "[", "]", "(", ")", "!", ":", "<", ">", "`", "```", "~~~", "$", "$$", "\\", "\n", "\n\n", "    ", " ", "*", "'",
    "[r](javascript:x)", "![r](http://a.example)", "[r]: javascript:x",
    "r", "javascript:x", "data:x", "http://a.example", "#", "mermaid", "&#106;", "](", "]:", "![", "- ", "> ",
]  # fmt: skip


def is_passive(page: str) -> bool:
    leads = [address for address in LINKED.findall(page) if not re.match(r"https?://|mailto:|#", address)]
    return not leads and not any(sign in page for sign in ("<img", "<script", 'class="mermaid', "<iframe"))


def seen(text: str) -> str:
    """The page without the colours of code and without what has no width."""
    return re.sub("</?span[^>]*>|\u2060", "", markdown2html_mistune(text))


@pytest.mark.parametrize("text", ACTIVE)
def test_what_is_active_becomes_text(text):
    assert is_passive(markdown2html_mistune(harmless(text)))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_no_mixture_of_markup_is_active(text):
    assert is_passive(markdown2html_mistune(harmless(text)))


@pytest.mark.parametrize("text", HONEST)
def test_an_honest_answer_reads_as_before(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert seen(harmless(text)) == seen(escaped)


def test_links_to_the_web_stay_links():
    page = markdown2html_mistune(harmless(HONEST[0] + "\n\n" + HONEST[1]))
    for address, words in (
        ("https://arxiv.org/abs/1503.02531", "the paper"),
        ("mailto:a@b.example", "Write me"),
        ("#step-1", "above"),
        ("http://example.org/x", "as there"),
    ):
        assert re.search(rf'<a href="{address}"[^>]*>{words}</a>', page)
