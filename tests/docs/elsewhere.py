"""Checks of commands that cannot run in a test: AWS, Docker, Kubernetes, Debian."""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import subprocess

import botocore.session
import yaml
from botocore.model import Shape
from botocore.validate import ParamValidator
from celery.bin.celery import celery as celery_program
from cfnlint.decode import cfn_yaml
from django.core.management import get_commands, load_command_class
from gunicorn.config import Config

from bench.run import BENCHES
from tests.docs.blocks import ROOT

DEPLOY = {"--stack-name", "--template-file", "--capabilities", "--parameter-overrides"}
"""Of `aws cloudformation deploy`, which is the command line's own and no operation of the API."""
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
COMPOSE_OPTIONS = {"up": {"--build", "--detach", "--scale", "--profile"}, "exec": set(), "logs": set()}
MANIFESTS = {
    f"{document['kind'].lower()}/{document['metadata']['name']}": document
    for path in (ROOT / "kubernetes").glob("*.yaml")
    for document in yaml.safe_load_all(path.read_text())
}
KUBECTL = {"--namespace", "--for", "--timeout", "--stdin", "--tty", "-f", "--"}


def parser_of(name: str) -> argparse.ArgumentParser:
    """Of one of our commands, or of Django's."""
    return load_command_class(get_commands()[name], name).create_parser("manage.py", name)


def ours(words: list[str]) -> None:
    """`manage COMMAND …`, or another process of the image."""
    if words == ["manage", "COMMAND"]:
        return
    if words[0] == "manage":
        parser_of(words[1]).parse_args(words[2:])
    else:
        assert words[0] in {"web", "worker", "beat", "consumer", "migrate"}


def aws(words: list[str]) -> None:
    service, operation, *arguments = words
    options = [word for word in arguments if word.startswith("--")]
    if (service, operation) == ("cloudformation", "deploy"):
        assert set(options) == DEPLOY - ({"--capabilities"} - set(options))
        given = dict(word.split("=", 1) for word in arguments[arguments.index("--parameter-overrides") + 1 :])
        _template(arguments[arguments.index("--template-file") + 1], given, "--capabilities" in options)
    elif service != "s3":  # a command of the command line's own, too
        _operation(service, operation, dict(zip(options, _values(arguments), strict=True)))


def _template(path: str, given: dict[str, str], has_capabilities: bool) -> None:
    template = cfn_yaml.loads((ROOT / path).read_text())
    required = {name for name, parameter in template["Parameters"].items() if "Default" not in parameter}
    assert required <= set(given) <= set(template["Parameters"])
    for name, value in given.items():
        assert value in template["Parameters"][name].get("AllowedValues", [value])
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert has_capabilities == bool(kinds & {"AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"})


def _values(arguments: list[str]) -> list[str]:
    return [word for word in arguments if not word.startswith("--")]


def _operation(service: str, operation: str, options: dict[str, str]) -> None:
    """The options are members of the operation's input, and their values fit."""
    model = botocore.session.get_session().get_service_model(service.replace("s3api", "s3"))
    names = {botocore.xform_name(name, "-"): name for name in model.operation_names}
    shape = model.operation_model(names[operation]).input_shape
    members = {f"--{botocore.xform_name(name, '-')}": name for name in shape.members}
    sent = {members[name]: value for name, value in options.items() if name != "--query"}
    given = {name: _value(value, shape.members[name]) for name, value in sent.items()}
    report = ParamValidator().validate(given, shape)
    assert not report.has_errors(), report.generate_report()


def _value(text: str, shape: Shape) -> object:
    """A text; or a structure as JSON, in the command line's shorthand, or in a file.

    The shorthand is name={name=[value]}.
    """
    if shape.type_name != "structure":
        return text
    if text.startswith("file://"):
        return {}
    if not text.startswith("{"):
        text = re.sub(r"[\w-]+", r'"\g<0>"', text).replace("=", ":")
        return json.loads(f"{{{text}}}")
    return json.loads(text)


def docker_compose(words: list[str]) -> None:
    command = next(word for word in words if word in COMPOSE_OPTIONS)
    profiles = {profile for service in COMPOSE["services"].values() for profile in service.get("profiles", ())}
    options = {word for word in words[: words.index("imagelib") if "imagelib" in words else None] if word[0] == "-"}
    assert options <= COMPOSE_OPTIONS[command]
    if "--profile" in words:
        assert words[words.index("--profile") + 1] in profiles
    if "--scale" in words:
        assert words[words.index("--scale") + 1].split("=")[0] in COMPOSE["services"]
    if command != "up":
        service, *inside = words[words.index(command) + 1 :]
        assert service in COMPOSE["services"]
    if command == "exec":
        assert inside[0] == "imagelib"
        ours(inside[1:])


def docker_build(words: list[str]) -> None:
    declared = set(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    given = {words[place + 1].split("=")[0] for place, word in enumerate(words) if word == "--build-arg"}
    assert given <= declared
    assert words[-1] == "."


def kubectl(words: list[str]) -> None:
    options = {word.split("=")[0] for word in words if word.startswith("-")}
    assert options <= KUBECTL
    files = [words[place + 1] for place, word in enumerate(words) if word == "-f"]
    assert [name for name in files if not (ROOT / name).is_file()] == []
    for name in [word for word in words if word.startswith(("job/", "deploy/"))]:
        assert name.replace("deploy/", "deployment/") in MANIFESTS
    if "--namespace" in words:
        assert f"namespace/{words[words.index('--namespace') + 1]}" in MANIFESTS
    if "imagelib" in words[words.index("--") :] if "--" in words else False:
        ours(words[words.index("imagelib", words.index("--")) + 1 :])


def make(words: list[str]) -> None:
    targets = [word for word in words if "=" not in word and word != "-C" and not word.startswith("/")]
    command = ["make", "--dry-run", "--always-make", *targets, "PYTHON=python3"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stderr


def runuser(words: list[str]) -> None:
    """`-u NAME -- COMMAND …`, in which `make` is ours."""
    assert (words[0], words[2]) == ("-u", "--")
    if words[3] == "make":
        make(words[4:])
    else:
        assert words[3] in {"createdb", "createuser", "git", "psql"}


def systemctl(words: list[str]) -> None:
    """The units that it enables are those of install.md."""
    page = (ROOT / "docs/install.md").read_text()
    assert [unit for unit in words if unit.startswith("imagelib") and f"`{unit}.service`" not in page] == []


def gunicorn(words: list[str]) -> None:
    options = Config().parser().parse_args(words)
    [application] = options.args
    assert importlib.util.find_spec(application)


def celery(words: list[str]) -> None:
    [application, name] = [word for word in words if not word.startswith("-")]
    assert importlib.util.find_spec(application)
    celery_program.commands[name].make_context(name, [], resilient_parsing=True)


def pytest_files(words: list[str]) -> None:
    assert [word for word in words if "/" in word and not (ROOT / word).exists()] == []


def module(words: list[str]) -> None:
    assert importlib.util.find_spec(words[0]), words


def bench(words: list[str]) -> None:
    assert set(words) <= set(BENCHES)


def spelled(words: list[str]) -> None:
    """Nothing but what bash has checked: these programs are not ours."""
