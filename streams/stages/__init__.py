"""The stages of the worker: they read, ask the pure core, write, and acknowledge."""
