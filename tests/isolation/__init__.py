"""Nobody reaches what is another's: generated from the addresses, the documents, the sockets.

`policies.py` is the one table to extend; what is not in it fails, and says which line to add.
"""
