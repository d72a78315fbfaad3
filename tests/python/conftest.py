# SPDX-License-Identifier: Apache-2.0
"""The package of this source tree, wherever the tests run."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests" / "support")]
