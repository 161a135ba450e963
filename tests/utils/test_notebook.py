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
