"""Other projects' checkpoints -> adaframe's."""
