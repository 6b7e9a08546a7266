"""Providers, profiles, prices and the ledger."""

from llms.models.call import AnsweredBy, CallStatus, Exactness, ModelCall, Purpose
from llms.models.price import ModelPrice
from llms.models.profile import Capability, ModelProfile
from llms.models.provider import Provider, Source

__all__ = [
    "AnsweredBy",
    "CallStatus",
    "Capability",
    "Exactness",
    "ModelCall",
    "ModelPrice",
    "ModelProfile",
    "Provider",
    "Purpose",
    "Source",
]
