"""Proves by a new connection that the controller can still reach a host and become root, then keeps a change.

The counterpart of ``file_set``'s ``guard``: until this task has succeeded, a countdown on the host itself is
going to put the old state back.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

CONFIRM = "/bin/sh /usr/local/sbin/patuh-guard confirm {name}"


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible ships no types
    """The action behind the task ``confirm_change``."""

    _VALID_ARGS = frozenset({"name"})
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Connect anew and keep the change."""
        super().run(tmp, task_vars)
        name = self._task.args["name"]
        try:
            # Established sessions survive a bad ruleset or a broken sshd: only a new one proves anything.
            self._connection.reset()
            done = self._low_level_execute_command(CONFIRM.format(name=name), sudoable=True)
        except AnsibleError as error:
            raise AnsibleActionFail(
                f"After the change of {name} no new connection succeeds ({error}). The host puts the old state "
                "back by itself within a minute; mend the cause and run again."
            ) from error
        if "kept" not in done["stdout"]:
            said = (done["stderr"] or done["stdout"]).strip().splitlines()
            why = "its time was up" if "restored" in done["stdout"] else said[-1] if said else "no answer"
            raise AnsibleActionFail(
                f"The change of {name} was not kept: {why}. The host puts its old state back by itself; what it "
                "cannot put back stands in its journal (journalctl -t patuh-guard). Mend the cause and run again."
            )
        return {"changed": False, "msg": f"{name}: proved by a new connection and kept"}
