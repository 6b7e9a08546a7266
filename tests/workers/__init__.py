"""Pumps in workers: the queue, the turns, who lives and who is taken for dead."""
