"""Tools that run elsewhere: the client of MCP servers, the only place that knows the protocol."""
