"""From clips to batches: frames or features, cached, changed for training, and made in the background."""
