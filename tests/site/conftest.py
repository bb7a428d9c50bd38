"""The site's own package is found as Datasette finds it: beside the file that it loads."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins"))
