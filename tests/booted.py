"""A real systemd in a container of this machine's own files: what is written in it is gone when it ends."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parent.parent
PRODUCT = ("etl", "plugins", "static", "systemd", "templates", "Makefile", "metadata.yml")
# The mounts live in a namespace of their own and end with it, whatever happens in it.
_BOOT = """set -eu
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/tree"
mount -t overlay overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" "$1/tree"
cp "$2" "$1/tree/etc/systemd/system/scenario.service"
conf="$1/tree/etc/systemd/system.conf.d"
mkdir -p "$conf"
printf '[Manager]\\nDefaultEnvironment=LD_LIBRARY_PATH=/opt/python/lib\\n' > "$conf/python.conf"
shift 2
exec "$@" """
# Only what every boot needs is started, none of the services that this machine happens to have.
_SCENARIO = """[Unit]
Requires=basic.target dbus.socket
After=basic.target dbus.socket
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
ExecStartPre=/bin/touch /shared/booted
ExecStart=/bin/bash -eux /shared/scenario.sh
StandardOutput=file:/shared/scenario.out
StandardError=file:/shared/scenario.err
TimeoutStartSec=400
"""


class NotBootedError(Exception):
    """No systemd can be booted here; the text says why."""


def installed(folder: Path) -> list[str]:
    """Lay the program out as /opt/availability with a Python that any user may run; return the mounts that show it."""
    place = folder / "availability"
    place.mkdir()
    for name in PRODUCT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name)
        else:
            shutil.copy(ROOT / name, place / name)
    packages = sysconfig.get_path("purelib")
    venv = place / ".venv"
    inside = venv / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    for made in (venv / "bin", inside):
        made.mkdir(parents=True)
    (venv / "bin" / "python").symlink_to("/opt/python/bin/python3")
    (venv / "pyvenv.cfg").write_text("home = /opt/python/bin\n", encoding="utf-8")
    (inside / "program.pth").write_text("/opt/availability\n/opt/packages\n", encoding="utf-8")
    command = venv / "bin" / "availability"
    words = "#!/opt/availability/.venv/bin/python\nfrom etl.__main__ import main\nmain()\n"
    command.write_text(words, encoding="utf-8")
    command.chmod(0o755)
    return [f"{place}:/opt/availability", f"{sys.base_prefix}:/opt/python", f"{packages}:/opt/packages"]


def boot(folder: Path, mounts: list[str], scenario: str) -> None:
    """Boot, run the scenario as root in it, and shut down; ``folder/shared`` is /shared there.

    Raises NotBootedError where this machine lacks what it takes.
    """
    if os.geteuid() != 0:
        raise NotBootedError("it takes root")
    if lacking := [name for name in ("systemd-nspawn", "unshare", "make", "curl") if shutil.which(name) is None]:
        raise NotBootedError(f"{', '.join(lacking)} is not installed")
    shared, stage, unit = folder / "shared", folder / "stage", folder / "scenario.service"
    shared.mkdir(exist_ok=True)
    stage.mkdir()
    (shared / "scenario.sh").write_text(scenario, encoding="utf-8")
    unit.write_text(_SCENARIO, encoding="utf-8")
    nspawn = [
        *("systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network"),
        *("--console=pipe", "--link-journal=no", "--machine=units", f"--directory={stage}/tree"),
        *(f"--bind={shared}:/shared", *(f"--bind-ro={mount}" for mount in mounts)),
        *("systemd.unit=scenario.service", "systemd.show_status=0"),
    ]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", _BOOT, "sh", str(stage), str(unit), *nspawn],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=420,
        check=False,
    )
    if not (shared / "booted").exists():
        raise NotBootedError(" ".join(done.stderr.split()) or "it said nothing")
    assert done.returncode == 0, (shared / "scenario.err").read_text(encoding="utf-8")[-5000:]
