"""The documents say what the code does: generated files are up to date, and nothing served is missing."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from pyredmem import __version__
from pyredmem.client import routes
from pyredmem.config.parameters import all_parameters
from tests.support.local import local_engine
from tests.support.wire import Array, Bulk, Set

ROOT = Path(__file__).resolve().parents[1]
_COLUMNS = 120
#: The documents with code in Python, and the tests that execute all of it.
EXECUTED = {
    "README.md": "pytest_plugin/test_documents.py",
    "docs/faults.md": "pytest_plugin/test_documents.py",
    "docs/from-fakeredis.md": "fakeredis/test_migration_page.py",
    "docs/lab.md": "lab/test_documents.py",
    "docs/migrating.md": "pytest_plugin/test_migrating.py",
    "docs/persistence.md": "pytest_plugin/test_documents.py",
    "docs/recipes.md": "applications/test_recipes.py",
    "docs/testing.md": "pytest_plugin/test_guide.py",
    "docs/time.md": "client/test_time_libraries.py",
}
_CODE = re.compile(r"^( *)```(python|py|pycon|diff)\b(.*)$", re.MULTILINE)


def _text(name: str) -> str:
    path = ROOT / name
    if not path.exists() and not (ROOT / "pyredmem").is_dir():
        pytest.skip("the tests were copied without the documents")
    return path.read_text()


def _commands() -> list[str]:
    reply = local_engine().client().do("COMMAND", "LIST")
    assert isinstance(reply, Array | Set), reply
    return sorted(item.data.decode().replace("|", " ").upper() for item in reply.items if isinstance(item, Bulk))


def test_every_command_served_is_in_the_compatibility_table() -> None:
    text = _text("docs/compatibility.md").upper()
    assert not [name for name in _commands() if f"`{name}" not in text]


def test_every_parameter_is_in_the_configuration_reference() -> None:
    text = _text("docs/configuration.md")
    assert not [parameter.name for parameter in all_parameters() if f"`{parameter.name}`" not in text]


def test_every_parameter_of_a_redis_conf_is_in_the_example() -> None:
    text = _text("redis.conf.example")
    shown = [parameter for parameter in all_parameters() if not parameter.hidden]
    assert not [one.name for one in shown if not re.search(rf"^#? ?{one.name}\b", text, re.MULTILINE)]


def test_the_layers_of_the_architecture_document_exist() -> None:
    text = _text("docs/architecture.md")
    packages = [path.parent.name for path in (ROOT / "pyredmem").glob("*/__init__.py")]
    assert not [name for name in packages if name not in text]


def test_every_method_of_redis_py_that_a_patch_replaces_is_in_the_list() -> None:
    text = _text("docs/redis-py-seams.md")
    replaced = [f"{owner.__module__}.{owner.__name__}.{name}" for owner, name, _ in routes._seams()]
    assert not [name for name in replaced if f"`{name}`" not in text]


def test_links_between_documents_lead_somewhere() -> None:
    documents = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
    broken = [
        f"{document.name}: {target}"
        for document in documents
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", _text(document.relative_to(ROOT).as_posix()))
        if "://" not in target and not (document.parent / target).exists()
    ]
    assert not broken


def _documents() -> list[str]:
    return ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))]


def test_all_code_in_documents_is_executed() -> None:
    assert [name for name in _documents() if _CODE.search(_text(name))] == list(EXECUTED)


@pytest.mark.parametrize(("document", "tests"), EXECUTED.items())
def test_the_tests_that_execute_a_document_find_its_code(document: str, tests: str) -> None:
    """The tests name the document, and no block begins in another way than they expect."""
    assert set(_CODE.findall(_text(document))) <= {("", "python", ""), ("", "diff", "")}
    assert Path(document).name in (ROOT / "tests" / tests).read_text()


def test_the_version_of_the_package_is_that_of_the_project() -> None:
    project = tomllib.loads(_text("pyproject.toml"))["project"]
    assert project.get("version", __version__) == __version__


def test_no_line_of_the_architecture_document_is_longer_than_120_columns() -> None:
    lines = enumerate(_text("docs/architecture.md").splitlines(), 1)
    assert not [number for number, line in lines if len(line) > _COLUMNS]


@pytest.mark.skipif(not (ROOT / "pyredmem").is_dir(), reason="needs the sources, not an installed package")
def test_every_file_that_the_architecture_document_names_exists() -> None:
    named = set(re.findall(r"[\w./]+/[\w*]+\.(?:py|md|txt)\b", _text("docs/architecture.md")))
    assert "engine/dispatch.py" in named
    assert not [path for path in sorted(named) if not any(list(root.glob(path)) for root in (ROOT, ROOT / "pyredmem"))]
