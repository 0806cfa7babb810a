"""Search benchmark: a million generated images, our search beside baselines."""
