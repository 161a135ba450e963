"""Which mistakes does a user mend alone?  Those are shown as one sentence, never as a stack trace.

The mistake this module exists to prevent: a typing error in a setting that answers with forty lines of traceback,
or, the other way round, a real defect of the course that is hidden behind a friendly sentence.
"""

HOLDS_NO_ANSWER = True


class CourseError(ValueError):
    """A mistake a user can mend; shown without a stack trace.

    Its message is one or two sentences: what was wrong, with the value seen, and what to do.
    """
