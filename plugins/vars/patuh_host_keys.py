"""Makes Ansible's own ssh insist on the fleet's host keys, however a playbook is started.

``ansible_ssh_args`` come first on the command line of ssh, so that neither ansible.cfg, the environment (ansible-runner
switches the check off) nor a person's ssh_config can loosen them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.inventory.host import Host
from ansible.plugins.vars import BaseVarsPlugin
from ansible.template import trust_as_template

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from compliance import host_keys

_GIVEN = ", ".join(f"{name!r}: {name} | default(none)" for name in host_keys.DECIDING)


class VarsModule(BaseVarsPlugin):  # type: ignore[misc]  # ansible ships no types
    """The plugin behind ``vars_plugins`` in ansible.cfg."""

    def get_vars(self, loader: Any, path: str, entities: Any, cache: bool = True) -> dict[str, Any]:
        """The arguments of ssh for a host of the inventory at ``path``."""
        super().get_vars(loader, path, entities)
        hosts = [one for one in (entities if isinstance(entities, list) else [entities]) if isinstance(one, Host)]
        # Ansible asks for groups, too, and once more for the playbook's folder, which is no inventory.
        if not hosts or not _is_below(hosts[0].vars.get("inventory_dir"), path):
            return {}
        file = str(host_keys.beside(Path(path)))
        # A template: the variables that decide may themselves be some, and stand anywhere in the inventory.
        template = f"{{{{ {{{_GIVEN}}} | patuh_ssh_args(inventory_hostname, {file!r}) }}}}"
        return {"ansible_ssh_args": trust_as_template(template)}


def _is_below(folder: Any, path: str) -> bool:
    return folder is not None and Path(str(folder)).resolve().is_relative_to(Path(path).resolve())
