"""Which of several recipes suits few clips: nested selection inside the folds."""
