"""The image and its composition: pinned, without root, and with commands that exist.

There is no builder where the tests run, so what would only show in a build is checked on the text.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import typer
import yaml

from diarspk.cli import app
from tests.paths import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: Any = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICE: Any = COMPOSE["services"]["diarspk"]


def instructions() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile with their arguments, lines that go on joined."""
    text = "\n".join(line for line in DOCKERFILE.splitlines() if not line.startswith("#"))
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines) if name]


def options(words: list[str]) -> set[str]:
    return {word for word in words if word.startswith("--")}


def test_only_known_instructions_stand_there_and_each_is_whole() -> None:
    known = {
        *("FROM", "ARG", "ENV", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE"),
        *("STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"),
    }
    assert {name for name, _ in instructions()} <= known
    assert all(rest.strip() for _, rest in instructions())


def test_base_images_are_of_one_version_which_the_project_supports() -> None:
    images = {rest.split()[0] for name, rest in instructions() if name == "FROM"}
    assert images == {"python:3.11-slim-bookworm"}


def test_the_last_user_is_not_root_and_owns_the_data() -> None:
    (user,) = [rest for name, rest in instructions() if name == "USER"]
    number = user.split(":")[0]
    assert int(number) >= 1000
    assert f"--uid {number}" in DOCKERFILE
    assert f"-o {number} -g {number} -m 700 /data" in DOCKERFILE
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert "RUN" not in names[names.index("USER") :]


def test_what_is_copied_is_there_and_let_through_by_dockerignore() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*"
    for name, rest in instructions():
        if name == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists()
                assert f"!{source}" in ignored


def test_packages_are_pinned_by_the_constraints() -> None:
    installs = re.findall(r"pip install ([^&]*)", " ".join(rest for _, rest in instructions()))
    assert len(installs) == 2
    assert "-r torch.txt" in installs[0]
    assert "-c pins.txt '.[server]'" in installs[1]
    assert re.search(r"(?m)^torch==", (ROOT / "constraints.txt").read_text(encoding="utf-8"))


@pytest.mark.parametrize("words", ["ENTRYPOINT", "CMD", "compose"])
def test_the_commands_exist_with_their_options(words: str) -> None:
    command: Any = typer.main.get_command(app)
    serve = command.commands["serve"]
    known = {name for parameter in serve.params for name in parameter.opts}
    found = dict(instructions())
    given = SERVICE["command"] if words == "compose" else json.loads(found[words])
    if words == "ENTRYPOINT":
        assert given[:2] == ["diarspk", "serve"]
        given = given[2:]
    assert options(given) <= known
    assert options(given)


def test_the_service_has_no_rights_that_it_does_not_need() -> None:
    assert SERVICE["read_only"] is True
    assert SERVICE["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in SERVICE["security_opt"]
    assert "privileged" not in SERVICE
    assert all(port.startswith("127.0.0.1:") for port in SERVICE["ports"])
    assert all(place.split(":")[0] == "/tmp" for place in SERVICE["tmpfs"])
    assert [volume.split(":")[1] for volume in SERVICE["volumes"]] == ["/data"]
    assert {volume.split(":")[0] for volume in SERVICE["volumes"]} == set(COMPOSE["volumes"])
    assert set(SERVICE["secrets"]) == set(COMPOSE["secrets"])
    assert f"/run/secrets/{SERVICE['secrets'][0]}" in SERVICE["command"]


def test_the_health_check_calls_the_port_that_is_served() -> None:
    found = dict(instructions())
    (port,) = [value for name, value in instructions() if name == "EXPOSE"]
    check = found["HEALTHCHECK"].partition("CMD ")[2]
    assert f"127.0.0.1:{port}/health" in json.loads(check)[2]
    entry = json.loads(found["ENTRYPOINT"])
    assert entry[entry.index("--port") + 1] == port
