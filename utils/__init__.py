import utils.moved  # noqa: F401  (from here on, imports find what was handed out before)
