"""The ground every slice stands on; it knows none of them."""
