"""Rollups read: which time, whose, by what; and the numbers that come of it."""
