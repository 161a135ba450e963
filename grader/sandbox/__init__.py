"""Where the code of people we do not know runs: what it can reach, how long it may take, and how it answers.

``client`` is outside and is what the grader uses; ``server``, ``shell`` and ``namespaces`` run inside, where there is
no answer to find.
"""
