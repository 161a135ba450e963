"""Into and out of the school: submissions from Canvas and Moodle, grades and feedback back to them."""
