#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Instructions per packet, of a few rows of the bench, against the ratios that are
# committed: what got dearer by more than 2 % is a failure.
exec "$(dirname "$0")/../../scripts/bench" --check
