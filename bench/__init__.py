"""What a recorded run costs, always beside a partner that records nothing, in the same run."""
