"""The tools there are: built-in ones and plug-ins alike."""

from core.registry import Registry
from tools.contract import flaws_of

tools = Registry("Tool", "CHATTER_TOOLS", flaws_of)
