"""Chat models of our own; every other one is LangChain's."""
