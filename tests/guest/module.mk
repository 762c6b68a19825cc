# SPDX-License-Identifier: GPL-2.0-only
# Programs that only test guests run.
guest-tests += act
act-srcs := tests/guest/act.c
act-libs := -lkeyutils
act-nocore := y
guest-tests += chan
chan-srcs := tests/guest/chan.c
chan-nocore := y
guest-tests += chsh
chsh-srcs := tests/guest/chsh.c
chsh-nocore := y
guest-tests += churn
churn-srcs := tests/guest/churn.c
churn-libs := -lpthread
churn-nocore := y
