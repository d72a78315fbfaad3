#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Configures (once) and builds the release preset into build/. Usage: scripts/build.sh [--program]
#   without arguments: everything;  --program: only what running needs (etude-sim, the kernels and the Python module).
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'echo "build.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
grep -qs etude_binding build/build.ninja || cmake --preset release >/dev/null
targets=(all)
[[ "${1:-}" != "--program" ]] || targets=(etude-sim kernels/all etude_binding)
quiet=(--quiet)
[[ ! -t 1 ]] || quiet=()  # a terminal sees each step on one line
[[ -x build/etude-sim ]] || echo "build: the first one takes some minutes"
cmake --build build --target "${targets[@]}" -- "${quiet[@]}"
