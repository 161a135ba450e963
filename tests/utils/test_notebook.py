"""What stands around a notebook's cells."""

from utils import notebook

ROW = {"model": "ce_only", "parameters": 1350400, "perplexity": 48.5, "low": 45.2, "high": 51.6, "tokens": 37966}


def test_a_comparison_shown_twice_is_the_same_page(monkeypatch):
    shown = []
    monkeypatch.setattr(notebook, "display", shown.append)
    for _ in range(2):
        notebook.show_rows([{**ROW, "bits_per_byte": 1.705}])
    first, second = (table._repr_html_() for table in shown)
    assert first == second
    assert "1,350,400" in first and "45.2 to 51.6" in first and ">ce only<" in first


def entropy(probabilities):
    return None


class Watch:
    def __init__(self):
        self.doubted = []

    def doubt(self, name):
        self.doubted.append(name)


def test_a_function_that_is_written_but_wrong_is_doubted_in_the_cell_that_uses_it(monkeypatch, capsys):
    watch = Watch()
    monkeypatch.setattr(notebook, "_watch", watch)
    assert notebook.ready(entropy)
    assert watch.doubted == ["entropy"]
    assert capsys.readouterr().out == (
        "entropy does not pass its check: nothing returned. Its card says more; read what follows with care.\n"
    )


def test_a_lambda_is_known_by_the_name_that_the_reader_gave_it(monkeypatch, capsys):
    own = lambda probabilities: None  # noqa: E731
    shell = type("Shell", (), {"user_ns": {"entropy": own}})
    monkeypatch.setattr(notebook, "get_ipython", lambda: shell)
    assert notebook.ready(own)
    assert capsys.readouterr().out.startswith("entropy does not pass its check: nothing returned.")


def test_a_function_whose_mistake_has_no_name_is_pointed_to_its_card(capsys):
    def entropy(probabilities):
        return probabilities.exp().cos().sum(-1)

    assert notebook.ready(entropy)
    said = "entropy does not pass its check. Its card says more; read what follows with care.\n"
    assert capsys.readouterr().out == said


def test_a_function_whose_cell_was_not_read_is_judged_by_nobody(capsys):
    from utils.checks import judge
    from utils.machine.cells import unread

    stand_in = unread("entropy", "has a syntax error in line 2 (invalid syntax), so Python read none of it")
    assert not notebook.ready(stand_in)
    said = capsys.readouterr().out
    assert said.startswith("The cell of entropy has a syntax error in line 2")
    assert judge("entropy", stand_in).message == said.strip()
