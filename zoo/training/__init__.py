"""The engine: one step for every model, and the run around it."""
