# SPDX-License-Identifier: Apache-2.0
"""Runs, reports and comparisons of the Etude training simulator."""

__version__ = "0.1.0"
