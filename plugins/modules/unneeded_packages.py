#!/usr/bin/python
"""Ansible module: remove packages that nothing else needs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: unneeded_packages
short_description: Removes packages, except those whose removal would take others along
description:
  - A compiler may be what keeps a driver built by DKMS alive, and rpcbind what keeps a share mounted. A package of the
    list goes only when nothing outside the list goes with it, and nothing is installed in its place; else it stays,
    with a warning that names what needs it.
options:
  name:
    description: Packages that should not be there.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Remove what a server has no use for
  unneeded_packages:
    name: [gcc, telnet]
"""

RETURN = r"""
removed:
  description: What was, or would be, removed.
  type: list
  returned: always
needed:
  description: What stays, by name, each with the packages that need it.
  type: dict
  returned: always
"""

import re

from ansible.module_utils.basic import AnsibleModule

REMOVE = ["apt-get", "-o", "DPkg::Lock::Timeout=60", "--no-auto-remove", "remove"]


def main():
    module = AnsibleModule(
        argument_spec={"name": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )
    module.run_command_environ_update = {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    listed = module.params["name"]
    known = module.run_command(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\\n", *listed])[1]
    removed, needed = [], {}
    for package in re.findall(r"^(?!not-installed|config-files)\S+ (\S+)$", known, re.MULTILINE):
        # Together with those that go: of two packages that can stand in for each other, one has to stay.
        would = module.run_command([*REMOVE, "--simulate", *removed, package], check_rc=True)[1]
        # Something may also be installed in its place: then it is not the package that is needed, but what it does.
        gone, come = (set(re.findall(rf"^{what} (\S+)", would, re.MULTILINE)) for what in ("Remv", "Inst"))
        others = sorted((gone - set(listed)) | come)
        if others:
            needed[package] = others
        else:
            removed.append(package)
    for package, others in needed.items():
        module.warn(
            "%s stays: %s would go with it or come in its place. Remove that first, or accept that the check fails."
            % (package, ", ".join(others))
        )
    if removed and not module.check_mode:
        module.run_command([*REMOVE, "--assume-yes", *removed], check_rc=True)
    module.exit_json(changed=bool(removed), removed=removed, needed=needed)


if __name__ == "__main__":
    main()
