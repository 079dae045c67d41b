"""Pure folds: events in, state, verdict and rows out. No clock, no socket."""
