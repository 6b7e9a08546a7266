"""Workflows as files: our own format, and what other products write. Pure: runs nothing.

Whatever a file says is data. Only the fields named here are looked at, so keys and passwords that a
foreign file may hold are never taken over.
"""
