"""What may be used at most: by whom, of what, in which time; reserved before, settled after."""
