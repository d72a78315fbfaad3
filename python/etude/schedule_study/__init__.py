# SPDX-License-Identifier: Apache-2.0
"""When to page and when to recompute: schedules that were asked for and then executed, in results/schedule/."""
