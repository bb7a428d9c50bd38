"""The units of the vault in a booted systemd: they capture, refine, come back when killed, and end when told."""

import json
import shutil
from pathlib import Path

import pytest

from tests import booted
from tests.vault.played import SESSION

SCENARIO = Path(__file__).parent / "booted.sh"


@pytest.mark.long
def test_in_a_booted_systemd_the_vault_goes_on_whatever_happens_to_it(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(exist_ok=True)
    shutil.copy(SESSION, shared)
    try:
        booted.boot(tmp_path, booted.installed(tmp_path), SCENARIO.read_text(encoding="utf-8"))
    except booted.NotBootedError as error:
        pytest.skip(f"no systemd can be booted here: {error}")

    def seen(name: str) -> str:
        return (shared / name).read_text(encoding="utf-8")

    first, second = (json.loads(seen(f"{name}.json")) for name in ("first", "second"))
    assert first["healthy"]
    assert second["healthy"]
    assert first["capturing"] != second["capturing"]
    assert set(seen("owners").split()[::3]) == {"availability"}
    assert seen("restarts").split() == ["NRestarts=1", "NRestarts=1"]
    assert int(seen("seconds")) < 30
    assert sorted(seen("stopped").split()) == [*["ActiveState=inactive"] * 2, *["Result=success"] * 2]
    assert seen("active").split() == [".capture.json", ".capture.lock", ".refine.lock"]
    assert sorted(seen("refused").split()) == ["ActiveState=failed", "ExecMainStatus=2"]
    assert "NO-SUCH is not a valid product" in " ".join(seen("told").split())
