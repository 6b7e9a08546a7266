"""The pages, as a person meets them: a real server, a real browser."""
