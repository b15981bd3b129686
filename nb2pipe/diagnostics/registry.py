"""Every rule, in one visible tuple."""

from __future__ import annotations

from nb2pipe.diagnostics.rules import nb101_magic
from nb2pipe.diagnostics.rules import nb102_top_level_await
from nb2pipe.diagnostics.rules import nb103_star_import
from nb2pipe.diagnostics.rules import nb104_kernel_name
from nb2pipe.diagnostics.rules import nb105_dynamic_namespace
from nb2pipe.diagnostics.rules import nb106_local_module
from nb2pipe.diagnostics.rules import nb107_import_rebound
from nb2pipe.diagnostics.rules import nb108_conditional_import
from nb2pipe.diagnostics.rules import nb201_maybe_unbound
from nb2pipe.diagnostics.rules import nb202_unbound
from nb2pipe.diagnostics.rules import nb203_skip_needed
from nb2pipe.diagnostics.rules import nb204_redefinition
from nb2pipe.diagnostics.rules import nb205_class_reads_variable
from nb2pipe.diagnostics.rules import nb206_not_storable
from nb2pipe.diagnostics.rules import nb207_process_state
from nb2pipe.diagnostics.rules import nb208_shared_memory
from nb2pipe.diagnostics.rules import nb209_definition_state
from nb2pipe.diagnostics.rules import nb210_function_as_value
from nb2pipe.diagnostics.rules import nb211_builtin_shadowed
from nb2pipe.diagnostics.rules import nb212_global_write
from nb2pipe.diagnostics.rules import nb301_untagged
from nb2pipe.diagnostics.model import Rule

RULES: tuple[Rule, ...] = (
    nb101_magic.RULE,
    nb102_top_level_await.RULE,
    nb103_star_import.RULE,
    nb104_kernel_name.RULE,
    nb105_dynamic_namespace.RULE,
    nb106_local_module.RULE,
    nb107_import_rebound.RULE,
    nb108_conditional_import.RULE,
    nb201_maybe_unbound.RULE,
    nb202_unbound.RULE,
    nb203_skip_needed.RULE,
    nb204_redefinition.RULE,
    nb205_class_reads_variable.RULE,
    nb206_not_storable.RULE,
    nb207_process_state.RULE,
    nb208_shared_memory.RULE,
    nb209_definition_state.RULE,
    nb210_function_as_value.RULE,
    nb211_builtin_shadowed.RULE,
    nb212_global_write.RULE,
    nb301_untagged.RULE,
)

_BY_CODE = {rule.code: rule for rule in RULES}


def rule(code: str) -> Rule:
    """The rule with this code; raises ``KeyError`` when there is none."""
    return _BY_CODE[code]
