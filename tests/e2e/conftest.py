# SPDX-License-Identifier: Apache-2.0
"""What end-to-end tests share with those of the package (tests/support)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
