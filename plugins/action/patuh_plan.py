"""Checks the inventory and hands the resolved plan to the roles, without touching a host.

Returns the fact ``patuh_plan``: ``parameters`` (figures in force), ``fleet`` (what is declared for all) and
``hosts`` (what is declared for each).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.vault import VaultSecretsContext
from ansible.plugins.action import ActionBase

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from compliance import fleet as fleets
from compliance.catalogue import default_catalogue
from compliance.errors import PatuhError


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible ships no types
    """The action behind the task ``patuh_plan``."""

    BYPASS_HOST_LOOP = True
    _VALID_ARGS = frozenset()
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Load and check the inventory sources of this run."""
        super().run(tmp, task_vars)
        sources = (task_vars or {}).get("ansible_inventory_sources") or []
        if len(sources) != 1:
            raise AnsibleActionFail("Patuh reads one inventory at a time. Give a single -i FOLDER.")
        try:
            known = VaultSecretsContext.current(optional=True)
            secrets = known.secrets if known else []
            # A role that cannot read its secret would fail when half of a server is changed.
            loaded = fleets.load(Path(str(sources[0])), default_catalogue(), secrets, whole=True)
        except PatuhError as error:
            raise AnsibleActionFail(f"The inventory is refused; no host was touched.\n{error}") from error
        plan = loaded.fleet.model_dump(mode="json", exclude={"hosts"})
        hosts = {}
        for name, host in loaded.fleet.hosts.items():
            declared = host.model_dump(mode="json")
            for service, model in zip(declared["services"], host.services, strict=True):
                service["sources"] = loaded.fleet.sources(model)
            hosts[name] = declared
        return {
            "changed": False,
            "warnings": self._shared_passphrases(task_vars or {}, list(hosts)),
            "ansible_facts": {
                "patuh_plan": {
                    "parameters": {name: figure.value for name, figure in loaded.parameters.items()},
                    "fleet": plan,
                    "hosts": hosts,
                }
            },
        }

    def _shared_passphrases(self, task_vars: dict[str, Any], hosts: list[str]) -> list[str]:
        """A warning for each passphrase by which one server opens the backups of another."""
        sharing: dict[str, list[str]] = {}
        for host in hosts:
            try:
                passphrase = self._templar.template(task_vars["hostvars"][host].get("backup_passphrase"))
            except AnsibleError:
                continue  # the role says so where it is needed; another host's run does not need it
            if passphrase:
                sharing.setdefault(str(passphrase), []).append(host)
        return [
            f"{', '.join(those)}: one passphrase opens the backups of all of them; give each its own (roles/backup)"
            for those in sharing.values()
            if len(those) > 1
        ]
