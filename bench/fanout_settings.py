"""Chatter's settings, and a channel layer in memory that is too large to drop anything."""

from bench.settings import *  # noqa: F403 - every setting but three

ROOT_URLCONF = "bench.fanout_urls"
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 100_000}}
}
LIVE_MAX_CONNECTIONS = 10_000
