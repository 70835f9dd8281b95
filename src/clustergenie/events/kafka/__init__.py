"""Carry events over Kafka; loaded by name (`events.connect`), since its client is an extra."""
