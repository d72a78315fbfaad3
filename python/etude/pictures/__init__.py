# SPDX-License-Identifier: Apache-2.0
"""Pictures as SVG: a schedule, memory over time, energy against memory. Equal data gives equal bytes."""
