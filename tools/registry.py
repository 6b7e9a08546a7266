"""The tools there are: built-in ones and plug-ins alike."""

from core.registry import Registry

tools = Registry("Tool", "CHATTER_TOOLS")
