#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Configures (once) and builds the release preset into build/.
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'echo "build.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
[[ -f build/build.ninja ]] || cmake --preset release >/dev/null
cmake --build build -- --quiet
