# SPDX-License-Identifier: Apache-2.0
"""Sweeps: what SWEEP.json asks for (spec), which points (sampler), where they run (pool), what is kept (store)."""
