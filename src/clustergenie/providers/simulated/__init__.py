"""A cloud that is not there."""
