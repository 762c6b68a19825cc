# SPDX-License-Identifier: GPL-2.0-only
"""The laboratory: guests, the daemon and keys, for tests and demonstration."""
