"""What nb2pipe has to say about a notebook: stable codes, messages, mends, and examples that earn each."""

from nb2pipe.diagnostics.model import Diagnostic, Rule, Severity
from nb2pipe.diagnostics.registry import RULES, rule

__all__ = ["RULES", "Diagnostic", "Rule", "Severity", "rule"]
