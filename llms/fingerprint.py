"""A hash of what decides a model's answers, as far as it is known here (pure)."""

import json
from hashlib import sha256

from llms.parameters import ledger_parameters
from llms.profiles import ProfileSpec


def fingerprint(profile: ProfileSpec) -> str:
    """SHA-256 of provider kind, model, parameters and limits. Of what may hold secrets (keys,
    addresses, an administrator's own parameters) there is nothing in it but the names.
    """
    decides = {
        "kind": profile.provider_kind,
        "model": profile.model,
        "parameters": ledger_parameters(profile.parameters),
        "context_window": profile.context_window,
        "max_output_tokens": profile.max_output_tokens,
    }
    return sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()
