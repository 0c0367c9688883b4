"""The demo: the main job on this machine, a worker killed half-way, a computed verdict."""
