"""Chatter's own settings, and the partner's route beside its routes."""

from chatter_project.settings import *  # noqa: F403 - every setting but one

ROOT_URLCONF = "bench.partner_urls"
