// SPDX-License-Identifier: GPL-2.0-only
/*
 * host.c, talk.c and hello.c as they are, with the two files between which and a talk
 * nothing fake has a place, under other names and with a clock that the test moves.
 *
 * The fakes of the other suites have the same symbols. A second module would keep them
 * apart, but not in a kernel that has both built in; and objects cannot be had twice from
 * one source in one folder. So the sources are included here, and one list of objects is
 * good for a module, a kernel's tree and User-Mode Linux alike.
 */
#include "real_names.h"
#include "fault_calls.h"
#include "clock_calls.h"

#include "../ephemeral.c"
#include "../hello.c"
#include "../host.c"
#include "../pair.c"
#include "../talk.c"
