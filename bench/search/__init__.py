"""Search benchmark: a million generated images, compared with baselines."""
