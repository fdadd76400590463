"""
Flows as BPMN 2.0 files: written with diagram and lanes, read faithfully or refused element by element.

Pure: bytes and plain values; who may save what is the caller's. What can be taken: docs/flows.md.
"""

from yimen.catalog.bpmn.read import ImportedStep, Question, Refusal, Report, UnreadableFlow, read
from yimen.catalog.bpmn.write import write

__all__ = ["ImportedStep", "Question", "Refusal", "Report", "UnreadableFlow", "read", "write"]
