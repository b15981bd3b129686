"""Every rule, in one visible tuple."""

from __future__ import annotations

from nb2pipe.diagnostics.model import Rule
from nb2pipe.diagnostics.rules import (
    nb101_magic,
    nb102_task_left_running,
    nb103_star_import,
    nb104_kernel_name,
    nb105_dynamic_namespace,
    nb106_local_module,
    nb202_unbound,
    nb203_skip_needed,
    nb206_not_storable,
    nb207_process_state,
    nb208_shared_memory,
    nb209_definition_state,
    nb211_builtin_shadowed,
    nb213_shared_name,
    nb301_untagged,
)

RULES: tuple[Rule, ...] = (
    nb101_magic.RULE,
    nb102_task_left_running.RULE,
    nb103_star_import.RULE,
    nb104_kernel_name.RULE,
    nb105_dynamic_namespace.RULE,
    nb106_local_module.RULE,
    nb202_unbound.RULE,
    nb203_skip_needed.RULE,
    nb206_not_storable.RULE,
    nb207_process_state.RULE,
    nb208_shared_memory.RULE,
    nb209_definition_state.RULE,
    nb211_builtin_shadowed.RULE,
    nb213_shared_name.RULE,
    nb301_untagged.RULE,
)

_BY_CODE = {rule.code: rule for rule in RULES}


def rule(code: str) -> Rule:
    """The rule with this code; raises ``KeyError`` when there is none."""
    return _BY_CODE[code]
