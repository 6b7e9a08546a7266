"""The provider fails, keeps silent, or breaks off."""

from drills.fault import Fault, nothing

PROVIDERS = (
    Fault(
        "provider-down",
        "the provider answers each question with 500 the first two times",
        nothing,
        day="[[fault=500 times=2]]",
        fails=True,
    ),
    Fault(
        "provider-slow",
        "the provider sends nothing for the first 3 s",
        nothing,
        day="[[fault=slow first_ms=3000]]",
    ),
    Fault(
        "provider-cuts",
        "the provider cuts each stream after two words the first time",
        nothing,
        day="[[fault=cut after=2 times=1]]",
        fails=True,
        loses=True,
    ),
)
