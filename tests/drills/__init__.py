"""Drills: Chatter as a real process, with real sockets, killed and started again."""
