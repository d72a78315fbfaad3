# SPDX-License-Identifier: Apache-2.0
"""python -m etude."""

from etude.cli import main

main()
