"""Where diagnoses are kept."""

from sqlalchemy import Column, Float, Index, String, Table, Text

from clustergenie.platform.db import metadata
from clustergenie.platform.types import Json, UtcDateTime

diagnoses = Table(
    "diagnoses",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("cluster_id", String(64), nullable=False),
    Column("job_id", String(96)),
    Column("trace_id", String(32), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("took_ms", Float(53), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("summary", Text, nullable=False),
    Column("insights", Json, nullable=False),
    Column("recommendations", Json, nullable=False),
    Column("findings", Json, nullable=False),
    Column("evidence", Json, nullable=False),
)
Index("ix_diagnoses_cluster", diagnoses.c.cluster_id, diagnoses.c.created_at)
Index("ix_diagnoses_created", diagnoses.c.created_at, diagnoses.c.id)
