"""Running Chatter in production, and a whole installation on one machine."""
