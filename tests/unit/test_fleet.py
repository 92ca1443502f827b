"""The inventory: the lab and the example are right, and what is wrong is told with its place and mend."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from compliance import fleet
from compliance.catalogue import default_catalogue
from compliance.errors import InvalidInput, PatuhError
from lab.topology import Topology
from tests.unit.samples import filled_example

REPOSITORY = Path(__file__).resolve().parents[2]
LAB = REPOSITORY / "inventory" / "lab"


def load(folder: Path) -> fleet.LoadedFleet:
    return fleet.load(folder, default_catalogue())


def test_the_lab_and_an_example_with_people_in_it_are_right(tmp_path: Path) -> None:
    assert load(LAB).fleet.hosts
    assert load(filled_example(tmp_path / "inventory")).fleet.hosts


def test_the_example_as_it_is_wants_nothing_but_keys() -> None:
    with pytest.raises(InvalidInput) as caught:
        load(REPOSITORY / "inventory" / "example")
    assert len(caught.value.problems) == 2
    for told in caught.value.problems:
        assert "is the example's placeholder: replace it by the person's own key" in str(told)


def test_lab_inventory_agrees_with_the_machines() -> None:
    loaded, topology = load(LAB), Topology.load()
    assert set(loaded.fleet.hosts) == set(topology.machines)
    for name, machine in topology.machines.items():
        segment = topology.segments[machine.segment]
        assert int(loaded.connections[name]["ansible_port"]) == machine.ssh_port
        assert [str(address) for address in loaded.fleet.hosts[name].addresses] == [
            segment.address4(machine.host_number),
            segment.address6(machine.host_number),
        ]
        assert machine.removable_disk is not None
        assert loaded.fleet.hosts[name].removable_media == [machine.removable_disk.filesystem_uuid]
    for name, segment in topology.segments.items():
        assert loaded.fleet.segments[name].cidr == [segment.ipv4, segment.ipv6]


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("hosts.yml", "patuh_role: dns", "patuh_role: dnss", "host dns01: patuh_role: 'dnss': input should be 'web'"),
        (
            "hosts.yml",
            "patuh_zone: dmz",
            "patuh_zoen: dmz",
            "unknown variable 'patuh_zoen'. Did you mean 'patuh_zone'?",
        ),
        ("hosts.yml", "      patuh_zone: dmz\n", "", "host web01: patuh_zone is missing"),
        ("group_vars/all.yml", "  room: Admin", "  rom: Admin", "in charge of the unknown area 'rom'"),
        ("hosts.yml", "port: 80}", "port: 80000}", "patuh_services.0.port: 80000"),
        ("hosts.yml", "sources: [private]}", "sources: [privat]}", "open to the unknown segment 'privat'"),
        ("hosts.yml", "2026-11-01", "01-11-2026", "patuh_installed: '01-11-2026'"),
        ("hosts.yml", "patuh_role: web", "patuh_role: [web", "is not valid YAML"),
        (
            "hosts.yml",
            "patuh_role: web\n",
            "patuh_role: web\n      patuh_role: dns\n",
            "the key 'patuh_role' is given twice",
        ),
        ("hosts.yml", "patuh_role: web\n", 'patuh_role: "{{ role }}"\n', "patuh_role is a template"),
        ("hosts.yml", "patuh_role: web\n", "patuh_role: web\n      patuh_standby_of: web02\n", "unknown host 'web02'"),
        ("group_vars/all.yml", "    state: left\n", "", "administrator admin-c has no key"),
        ("group_vars/all.yml", "    left: 2026-11-10\n", "", "admin-c left, but 'left' gives no date"),
        ("group_vars/all.yml", "- name: admin-b", "- name: admin-a", "administrator admin-a is given twice"),
        ("group_vars/all.yml", "10.31.20.0/24", "10.31.10.128/25", "segments dmz (10.31.10.0/24) and private"),
        ("group_vars/all.yml", "10.31.20.0/24", "10.31.20.5/24", "10.31.20.5/24"),
        ("group_vars/all.yml", "Asia/Jakarta", "Asia/Jambi", "is not a time zone"),
        ("group_vars/all.yml", "[jambi-31-2017,", "[jambi-32-2017,", "unknown regulation 'jambi-32-2017'. Allowed: "),
        (
            "group_vars/all.yml",
            "ssh-ed25519 AAAA",
            "ssh-dss AAAA",
            "is of a type that sshd refuses; allowed: ssh",
        ),
        ("group_vars/all.yml", "ssh-ed25519 AAAA", "command=id ssh-ed25519 AAAA", "without options before it"),
        ("group_vars/all.yml", "ssh-ed25519 AAAA", "ssh-ed25519 AAAB", "is damaged"),
        (
            "group_vars/all.yml",
            "AAAAC3NzaC1lZDI1NTE5AAAAINJpQTcVaD9c3VU3oT7cTIn6Yd9nQ3mAGWSOsMBRXbus admin-b",
            "AAAAC3NzaC1lZDI1NTE5AAAAIACUP/XNsyPCLosiN8lYLV3X1eHyYN9jtq/3OnbqTdhs other",
            "administrator admin-b has a key that admin-a has already",
        ),
        ("group_vars/all.yml", "- name: admin-b", "- name: root", "'root': is an account of the system"),
        ("group_vars/all.yml", "- name: admin-c", "- name: www-data", "'www-data': is an account of the system"),
        ("group_vars/all.yml", "- name: admin-c", "- name: systemd-x", "is an account of the system"),
        ("group_vars/all.yml", "- name: admin-c", "- name: _apt", "is an account of the system"),
        ("group_vars/all.yml", "patuh_automation_account: patuh", "patuh_automation_account: root", "of the system"),
        ("group_vars/all.yml", '"fd31:30::10"]', r'"fd31:30::10%\nMatch all"]', "patuh_admin_workstations"),
        ("group_vars/all.yml", '"fd31:30::10"]', '"fd31:30::10%eth0"]', "has a zone"),
        ("group_vars/all.yml", '"fd31:30::10"]', "0.0.0.0]", "is no address by which another computer"),
        ("group_vars/all.yml", '"fd31:30::10"]', '"::"]', "is no address by which another computer"),
        ("group_vars/all.yml", '"fd31:30::10"]', "169.254.0.2]", "is no address by which another computer"),
        ("group_vars/all.yml", '"fd31:30::10"]', "224.0.0.1]", "is no address by which another computer"),
        ("group_vars/all.yml", '"fd31:30::10"]', '"::ffff:10.0.0.1"]', "in disguise"),
        ("group_vars/all.yml", '"fd31:40::/64"', '"fe80::%x/64"', "has a zone"),
        ("group_vars/all.yml", "ntp_servers: [10.31.30.10]", r'ntp_servers: ["a\nb"]', "cannot be seen (U+000A)"),
        ("group_vars/all.yml", "ntp_servers: [10.31.30.10]", "ntp_servers: [a b]", "is neither a host's name nor"),
        ("group_vars/all.yml", "mail_relay: 10.31.30.10", "mail_relay: 10.31.30.400", "is neither a host's name nor"),
        ("group_vars/all.yml", "mail_to: admin", r'mail_to: "\u202e@x.example" #', "cannot be seen (U+202E)"),
        ("group_vars/all.yml", "http://10.31.30.10:8025/", "http:///secret", "webhook: names no host"),
        ("group_vars/all.yml", "fleet_name: Lab", r'fleet_name: "\e[2J" # ', "cannot be seen (U+001B)"),
        ("hosts.yml", "port: 80}", "port: 22}", "opens SSH beyond the administrators' workstations"),
        ("group_vars/all.yml", "[10.31.30.10,", "[10.31.30.400,", "patuh_admin_workstations.0"),
        (
            "group_vars/all.yml",
            "patuh_site:",
            "patuh_parameters: {disk_used_pct_max: 95}\npatuh_site:",
            "disk_used_pct_max: 95 is looser than the 90 % of jambi-31-2017 H.3.b. Set at most 90.",
        ),
        (
            "group_vars/all.yml",
            "patuh_site:",
            "patuh_parameters: {disk_pct: 80}\npatuh_site:",
            "unknown parameter 'disk_pct'",
        ),
    ],
)
def test_wrong_input_is_told_with_file_line_and_mend(tmp_path: Path, file: str, old: str, new: str, words: str) -> None:
    folder = tmp_path / "inventory"
    shutil.copytree(LAB, folder)
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        load(folder)
    told = str(caught.value)
    assert words in told
    assert re.search(rf"{re.escape(str(path))}:\d+", told)
    assert "Traceback" not in told


def test_a_missing_inventory_is_told(tmp_path: Path) -> None:
    with pytest.raises(PatuhError, match="there is no such inventory"):
        load(tmp_path / "nowhere")


def test_an_empty_inventory_is_told(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all:\n  hosts: {}\n", encoding="utf-8")
    with pytest.raises(PatuhError, match="holds no hosts"):
        load(tmp_path)


def test_a_stricter_site_figure_is_taken_and_named(tmp_path: Path) -> None:
    folder = tmp_path / "inventory"
    shutil.copytree(LAB, folder)
    with (folder / "group_vars" / "all.yml").open("a", encoding="utf-8") as file:
        file.write("patuh_parameters: {disk_used_pct_max: 80, raid_inspection_days_max: 14}\n")
    parameters = load(folder).parameters
    assert (parameters["disk_used_pct_max"].value, parameters["disk_used_pct_max"].source) == (80, "inventory")
    assert parameters["raid_inspection_days_max"].source == "jambi-31-2017 H.3.a"
    assert parameters["password_days_max"].source == "default"


VAULTED = """  - webhook: !vault |
      $ANSIBLE_VAULT;1.1;AES256
      3333
"""


def test_an_encrypted_webhook_is_told_with_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "inventory"
    shutil.copytree(LAB, folder)
    path = folder / "group_vars" / "all.yml"
    path.write_text(path.read_text().replace("  - webhook: http://10.31.30.10:8025/\n", VAULTED))
    with pytest.raises(PatuhError, match=r"all\.yml:\d+:\d+: host \w+: patuh_notifications is encrypted"):
        load(folder)


def test_a_wrong_webhook_is_not_repeated(tmp_path: Path) -> None:
    folder = tmp_path / "inventory"
    shutil.copytree(LAB, folder)
    path = folder / "group_vars" / "all.yml"
    path.write_text(path.read_text().replace("http://10.31.30.10:8025/", "https://:x/T0KEN"))
    with pytest.raises(PatuhError, match="webhook") as caught:
        load(folder)
    assert "T0KEN" not in str(caught.value)
