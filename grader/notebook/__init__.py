"""From a lab's source to the notebooks that learners and readers open."""
