# SPDX-License-Identifier: GPL-2.0-only
# Channels used in disorder by many threads on several processors while keys and modules
# come and go: nothing is said by the kernels, nothing hangs, and afterwards everything
# works.
import time

from lab.churn import churn, ended, open_churn as setup
from lab.pair import enter, renew, until, works


def case_undisturbed(lab):
    ended(*churn(lab))
    works(lab)


def case_keys_come_and_go(lab):
    alpha = lab.vms["alpha"]
    call, serve = churn(lab, 6)
    time.sleep(2)
    alpha.run(f"keyctl revoke {lab.keys['alpha']['user']}")
    ended(call, serve)
    renew(lab, "alpha")
    works(lab)


def case_zz_module_comes_and_goes(lab):
    alpha = lab.vms["alpha"]
    for _ in range(3):
        call, serve = churn(lab, 3)
        ended(call, serve)
        alpha.run("keyctl clear @u")
        until(lambda: not alpha.run("rmmod sivshmem", status=None).status,
              "the module is not used any more")
        enter(lab, "alpha")
    works(lab)
