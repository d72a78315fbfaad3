# SPDX-License-Identifier: Apache-2.0
"""The studies of the house: each a few sweeps, and the tables and pictures of results/ that are made of them."""
