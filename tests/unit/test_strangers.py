"""Strangers' servers: what is declared true of them can be compared at all."""

from __future__ import annotations

from pathlib import Path

import yaml

from compliance.catalogue import default_catalogue
from compliance.fleet import load
from lab.topology import Instance
from tests.strangers.__main__ import INVENTORY, Stranger

FILES = sorted((Path(__file__).resolve().parents[1] / "strangers").glob("*.yml"))


def test_each_stranger_is_a_machine_and_its_truths_name_controls() -> None:
    known = default_catalogue().controls
    assert {file.stem for file in FILES} == set(Instance("strangers").topology.machines)
    assert set(load(INVENTORY, default_catalogue()).fleet.hosts) == {file.stem for file in FILES}
    for file in FILES:
        stranger = Stranger.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        assert set(stranger.truth) <= set(known)
        assert stranger.apply.refuses or stranger.apply.says
