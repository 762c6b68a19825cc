# SPDX-License-Identifier: GPL-2.0-only OR MIT
# sivshmem-keys: the CA's tool; it also loads keys inside guests.

guest-progs += sivshmem-keys
sivshmem-keys-srcs := $(addprefix keys/,main.c options.c say.c file.c store.c \
	when.c index.c secret.c x509.c pair.c ca.c issue.c deliver.c revoke.c \
	cmd_ca.c cmd_issue.c cmd_sign.c cmd_bundle.c cmd_list.c cmd_revoke.c \
	cmd_show.c cmd_load.c)
