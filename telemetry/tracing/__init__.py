"""Traces of executions, made of what was recorded; loaded only where OTEL_… says where to."""
