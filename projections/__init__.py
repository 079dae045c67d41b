"""Read models: folds, the tables they fill, and how to look at them."""
