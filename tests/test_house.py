"""The house stays as it was drawn: imports point one way, docs say what the program does."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = [
    {"errors", "records", "clock", "disk", "log"},
    {"keys", "locks", "s3_xml"},
    {"stores"},
    {"warehouse"},
    {"vault"},
    {"archives", "aws_cli", "planning", "probe", "queries", "recording", "runs"},
    {"checks"},
    {"collect", "export", "indexing", "outcomes", "serve"},
    {"publish", "upkeep"},
    {"nightly", "options", "tables"},
    {"cli"},
    {"__main__"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def rooms() -> list[Path]:
    """Return every file of the pipeline; those of a folder count as the room of its name."""
    return [path for path in sorted((ROOT / "etl").rglob("*.py")) if not {"replica", "replay"} & set(path.parts)]


def room_of(path: Path) -> str:
    """Return the room that a file belongs to."""
    inside = path.relative_to(ROOT / "etl").parts
    return inside[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Return the rooms of ``etl`` that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "etl":
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("etl."):
            found.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {name.name.split(".")[1] for name in node.names if name.name.startswith("etl.")}
    return found


@pytest.mark.parametrize("path", rooms(), ids=lambda path: path.stem)
def test_imports_point_down(path: Path) -> None:
    here = room_of(path)
    if here != "__init__":
        above = {room for room in imports(path) - {here} if FLOOR[room] >= FLOOR[here]}
        assert above == set()


def test_the_pipeline_never_imports_the_stand_ins_nor_they_the_pipeline() -> None:
    for path in rooms():
        assert not {"replica", "replay"} & imports(path)
    for name in ("replica", "replay"):
        for path in (ROOT / "etl" / name).glob("*.py"):
            assert imports(path) <= {name}, path


@pytest.mark.long
def test_the_generated_docs_are_those_of_this_program() -> None:
    command = [sys.executable, "docs/generate.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_view_and_published_table_has_its_file_and_every_file_is_used() -> None:
    from etl.export import SMALL_TABLES  # noqa: PLC0415 - only here
    from etl.warehouse import VIEWS  # noqa: PLC0415

    sql = ROOT / "etl" / "sql"
    assert {path.stem for path in (sql / "views").glob("*.sql")} == set(VIEWS)
    assert {path.stem for path in (sql / "site").glob("*.sql")} == {"symbols", "day_file_codes", *SMALL_TABLES}


def test_no_module_has_grown_into_a_hall() -> None:
    sizes = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "etl").rglob("*.py")}
    assert {name: lines for name, lines in sizes.items() if lines > 300} == {}
