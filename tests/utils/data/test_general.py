"""General text comes from the packages that are named, and repeats nothing of Python's own documentation."""

import pytest

from utils.data.corpus import python_corpus
from utils.data.documents import all_shingles, overlap
from utils.data.general import general_documents
from utils.errors import CourseError


def test_general_text_is_of_the_named_packages_and_repeats_nothing_of_the_corpus():
    found = general_documents(("traitlets", "pluggy"))
    assert {document.source for document in found} == {"traitlets", "pluggy"}
    corpus = python_corpus()
    known = all_shingles([*corpus.train, *corpus.tune, *corpus.validation])
    assert max(overlap(document, known) for document in found) <= 0.2


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(CourseError, match="no_such_package is not installed"):
        general_documents(("no_such_package",))
