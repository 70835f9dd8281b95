"""What is wrong and why: rules that turn evidence into findings with cause and remedy."""

from clustergenie.diagnosis.job import DIAGNOSE, handlers
from clustergenie.diagnosis.models import Case, Diagnosis, Finding, Remedy, Verdict
from clustergenie.diagnosis.service import prune

__all__ = ["DIAGNOSE", "Case", "Diagnosis", "Finding", "Remedy", "Verdict", "handlers", "prune"]
