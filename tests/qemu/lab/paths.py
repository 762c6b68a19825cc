# SPDX-License-Identifier: GPL-2.0-only
"""Where things are in the tree."""

import os
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("SIV_BUILD") or TOP / "build")
LOGS = BUILD / "qemu-logs"
