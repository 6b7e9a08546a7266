"""Watchers of the event log: one tail for each thing that is watched, shared by all of them."""
