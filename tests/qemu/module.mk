# SPDX-License-Identifier: GPL-2.0-only
guest-tests += agent
agent-srcs := tests/qemu/agent.c
agent-nocore := y
unit-scripts += tests/qemu/selftest.py
