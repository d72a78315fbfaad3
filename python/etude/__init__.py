# SPDX-License-Identifier: Apache-2.0
"""Runs, reports and comparisons of the Etude training simulator."""
