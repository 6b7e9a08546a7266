"""The node types there are."""

from core.registry import Registry

NODE_TYPES = Registry("node type", "CHATTER_NODE_TYPES")
