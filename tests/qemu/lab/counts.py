# SPDX-License-Identifier: GPL-2.0-only
"""What guests' kernels have counted of our modules, for `make coverage`.

Where SIV_COUNTS names a folder, every guest's counts are written there before the
guest ends, into a folder of their own: files as gcov reads them, by their place
below the modules' folder. Otherwise nothing is done.
"""

import io
import os
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from .agent import AgentGone, Deadline
from .paths import BUILD
from .qmp import QmpError

FOLDER = os.environ.get("SIV_COUNTS")
# debugfs has files without a size: they are read, one by one, before tar is asked.
# A guest that is locked down shows none.
COLLECT = f"""cd /sys/kernel/debug/gcov{BUILD} 2>/dev/null || exit 0
find . -name '*.gcda' | while read -r file; do
    mkdir -p "/tmp/counts/${{file%/*}}" && cat "$file" >"/tmp/counts/$file" || exit
done && cd /tmp/counts && tar -cz . && cd / && rm -r /tmp/counts"""


def unpack(archive, folder):
    """Write the counts of an archive; how many files that were."""
    number = 0
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            name = PurePosixPath(member.name)
            if not member.isfile() or name.suffix != ".gcda" or {"/", ".."} & {*name.parts}:
                continue
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(tar.extractfile(member).read())
            number += 1
    return number


def collect(vm):
    """Keep a guest's counts; one that does not answer any more has lost them."""
    if not FOLDER or not vm.alive() or not vm.booted():
        return
    try:
        if not vm.qmp.run("query-status")["running"]:
            return
        archive = vm.run(COLLECT, status=None, timeout=30)
    except (AgentGone, Deadline, QmpError, OSError, ValueError):
        return
    if archive.status or not archive.raw:
        return
    Path(FOLDER).mkdir(parents=True, exist_ok=True)
    unpack(archive.raw, Path(tempfile.mkdtemp(
        prefix=f"{vm.console.parent.name}-{vm.name}-", dir=FOLDER)))
