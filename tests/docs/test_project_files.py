"""Files about the project agree with each other and with the package."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import diarspk

ROOT = Path(__file__).parents[2]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_citation_and_changelog_name_the_version() -> None:
    assert read_yaml(ROOT / "CITATION.cff")["version"] == diarspk.__version__
    releases = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert releases[0] == diarspk.__version__


def test_the_workflow_runs_the_checks_on_every_supported_python() -> None:
    job = read_yaml(ROOT / ".github" / "workflows" / "checks.yml")["jobs"]["checks"]
    assert job["strategy"]["matrix"]["python"] == ["3.10", "3.11", "3.12", "3.13"]
    assert ".ci/run" in [step.get("run") for step in job["steps"]]
    required = re.search(r'requires-python = ">=(\S+)"', (ROOT / "pyproject.toml").read_text())
    assert required is not None
    assert required[1] == "3.10"


def test_the_checks_are_executable_and_build_the_site() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "python3 bootstrap.py docs" in script.read_text().splitlines()


@pytest.mark.parametrize("form", [f for f in FORMS if f.stem != "config"], ids=lambda f: f.stem)
def test_an_issue_form_asks_for_something_it_cannot_do_without(form: Path) -> None:
    content = read_yaml(form)
    assert content["name"]
    assert content["description"]
    required = [field.get("validations", {}).get("required") for field in content["body"]]
    assert any(required)
    assert len({field["id"] for field in content["body"]}) == len(content["body"])


def test_hooks_before_a_commit_are_the_tools_of_the_checks() -> None:
    (repository,) = read_yaml(ROOT / ".pre-commit-config.yaml")["repos"]
    entries = {hook["entry"].split()[0].split("/")[-1] for hook in repository["hooks"]}
    checks = (ROOT / ".ci" / "run").read_text()
    assert entries == {"ruff", "mypy", "lint-imports"}
    assert all(f"\n{tool}" in checks for tool in entries)
