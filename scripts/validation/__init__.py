# SPDX-License-Identifier: Apache-2.0
"""Comparison of every model with the reference data, block by block (scripts/validate.sh)."""
