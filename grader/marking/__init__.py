"""From a submission to a grade, feedback and a class report."""
