"""Which models answer: providers, profiles, dated prices, the one door and its ledger."""
