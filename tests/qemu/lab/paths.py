# SPDX-License-Identifier: GPL-2.0-only
"""Where things are in the tree, and what the guests are made for."""

import os
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("SIV_BUILD") or TOP / "build")
LOGS = BUILD / "qemu-logs"
# The guests' architecture, and, where it is not this machine's, a folder with their
# programs of Debian's: root/ beside ours (tests/kernels.sh).
ARCH = os.environ.get("SIV_ARCH", "x86_64")
ROOT = BUILD / "root" if ARCH != "x86_64" else None
