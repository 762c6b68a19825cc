// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* In a guest: posture. How well is this guest protected against its own root? */
#define _GNU_SOURCE
#include "ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "json.h"

/* What only user space can see; beside SIVSHMEM_POSTURE_*. */
#define POSTURE_RAW_DRIVER 0x10000u
#define POSTURE_RAW_LOADABLE 0x20000u
#define POSTURE_ANY_LOADABLE 0x40000u

/* Slow, not unsafe. */
#define POSTURE_HARMLESS ((uint32_t)SIVSHMEM_POSTURE_UNCACHED)

static const struct {
	uint32_t bit;
	const char *name;
	const char *text;
} reasons[] = {
	{ SIVSHMEM_POSTURE_NO_LOCKDOWN, "no_lockdown",
	  "kernel lockdown is off: boot with lockdown=confidentiality" },
	{ SIVSHMEM_POSTURE_READABLE, "memory_readable",
	  "root can read the kernel's memory, and keys in it: lockdown=confidentiality" },
	{ SIVSHMEM_POSTURE_IOMEM_RELAXED, "iomem_relaxed",
	  "iomem=relaxed is on the kernel's command line" },
	{ SIVSHMEM_POSTURE_NO_STRICT_DEVMEM, "no_strict_devmem",
	  "the kernel was built without STRICT_DEVMEM and IO_STRICT_DEVMEM" },
	{ SIVSHMEM_POSTURE_ANCHORS_OPEN, "anchors_open",
	  "anybody who is root may add a CA: keyctl restrict_keyring %:.sivshmem" },
	{ SIVSHMEM_POSTURE_UNLOADABLE, "unloadable",
	  "the module can be unloaded" },
	{ SIVSHMEM_POSTURE_UNSIGNED, "unsigned", "modules need no signature" },
	{ SIVSHMEM_POSTURE_UNCACHED, "uncached",
	  "BAR2 is not mapped write-back: place it above 4 GiB (slow, not unsafe)" },
	{ POSTURE_RAW_DRIVER, "raw_driver",
	  "uio or vfio is loaded or built in: root can take the device from sivshmem" },
	{ POSTURE_RAW_LOADABLE, "raw_loadable",
	  "uio or vfio modules are installed and can be loaded" },
	{ POSTURE_ANY_LOADABLE, "modules_loadable",
	  "a signed uio or vfio module could be brought here: kernel.modules_disabled=1" },
};

/* The words of a small file, or "" where it cannot be read. */
static void read_words(const char *path, char *text, size_t len)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, len - 1, f) : 0;

	text[n] = '\0';
	if (f)
		fclose(f);
}

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; (p = strstr(p, word)) != NULL; p += n)
		if ((p == text || strchr(" \n\t", p[-1])) &&
		    strchr(" \n\t", p[n]))
			return true;
	return false;
}

/* Names a driver that hands a raw PCI device to user space? */
static bool is_raw_driver(const char *path)
{
	static const char *const names[] = { "uio",	      "uio_pci_generic",
					     "vfio",	      "vfio-pci",
					     "vfio_pci",      "vfio-pci-core",
					     "vfio_pci_core", "igb_uio" };
	const char *base = strrchr(path, '/');
	size_t n;

	base = base ? base + 1 : path;
	n = strcspn(base, ".\n: ");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == n && !strncmp(base, names[i], n))
			return true;
	return false;
}

/* A list of module paths, one per line. */
static bool list_has_raw(const char *release, const char *file)
{
	char path[300], *line = NULL;
	bool found = false;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/lib/modules/%s/%s", release, file);
	f = fopen(path, "re");
	while (f && !found && getline(&line, &room, f) > 0) {
		line[strcspn(line, ":\n")] = '\0';
		found = is_raw_driver(line);
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

static bool raw_present(const char *release)
{
	static const char *const dirs[] = {
		"/sys/module/uio",	"/sys/module/vfio",
		"/sys/module/vfio_pci", "/sys/module/igb_uio",
		"/sys/class/uio",	"/dev/vfio/vfio"
	};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (!access(dirs[i], F_OK))
			return true;
	return list_has_raw(release, "modules.builtin");
}

static uint32_t user_posture(void)
{
	struct utsname u;
	char text[4096];
	uint32_t bits = 0;

	uname(&u);
	read_words("/proc/cmdline", text, sizeof(text));
	if (has_word(text, "iomem=relaxed"))
		bits |= SIVSHMEM_POSTURE_IOMEM_RELAXED;
	if (raw_present(u.release))
		bits |= POSTURE_RAW_DRIVER;
	read_words("/proc/sys/kernel/modules_disabled", text, sizeof(text));
	if (*text != '1')
		bits |= list_has_raw(u.release, "modules.dep") ?
				POSTURE_RAW_LOADABLE :
				POSTURE_ANY_LOADABLE;
	return bits;
}

/* "none", "integrity", "confidentiality": the word in brackets. */
static void lockdown(char *word, size_t len)
{
	char text[128], *open, *close;

	read_words("/sys/kernel/security/lockdown", text, sizeof(text));
	open = strchr(text, '[');
	close = open ? strchr(open, ']') : NULL;
	if (close)
		*close = '\0';
	snprintf(word, len, "%s", close ? open + 1 : "unknown");
}

static void posture_json(const struct ctl *ctl, uint32_t bits,
			 const char *locked)
{
	struct json_out j;

	json_begin(&j, ctl->json_to);
	json_bool(&j, "ok", true);
	json_text(&j, "posture", bits & ~POSTURE_HARMLESS ? "WEAK" : "STRONG");
	json_text(&j, "lockdown", locked);
	json_open(&j, "reasons", '[');
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (bits & reasons[i].bit)
			json_text(&j, NULL, reasons[i].name);
	json_close(&j, ']');
	json_end(&j);
}

static void posture_text(uint32_t bits, const char *locked)
{
	printf("%s (lockdown: %s)\n",
	       bits & ~POSTURE_HARMLESS ? "WEAK" : "STRONG", locked);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (bits & reasons[i].bit)
			printf("  %-17s %s\n", reasons[i].name,
			       reasons[i].text);
}

static int posture_run(struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = { CTL_COMMON_OPTIONS, { 0 } };
	struct sivshmem_region_info r = { .size = sizeof(r) };
	unsigned int n;
	uint32_t bits = 0;
	char locked[32];
	int opt, err;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (common_option(ctl, &cmd_posture, NULL, opt)) {
		case OPTION_HELP:
			return CTL_OK;
		case OPTION_BAD:
			return CTL_USAGE;
		}
	if (optind < argc)
		return ctl_usage(ctl, &cmd_posture,
				 "\"%s\" is one argument too many",
				 argv[optind]);
	for (n = 0; !(err = ivshmem_region(n, &r)); n = r.index + 1) {
		bits |= r.posture;
		r.size = sizeof(r);
	}
	if (err != -ENODEV || !n)
		return ctl_fail(ctl, err, "/dev/sivshmem-control");
	bits |= user_posture();
	lockdown(locked, sizeof(locked));
	if (ctl->json)
		posture_json(ctl, bits, locked);
	else
		posture_text(bits, locked);
	return bits & ~POSTURE_HARMLESS ? CTL_FAILED : CTL_OK;
}

const struct ctl_command cmd_posture = {
	.name = "posture",
	.args = "[--json]",
	.about =
		"is this guest STRONG or WEAK against its own root, and why (exit 1: WEAK)",
	.options = "",
	.run = posture_run,
};
