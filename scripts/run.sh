#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, runs one configuration (default: the main job), prints the report
# and names the HTML page. Usage: scripts/run.sh [CONFIG [OPTION of etude-sim run]...]
set -euo pipefail
here=$(pwd)
cd "$(dirname "$0")/.."
trap 'echo "run.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR
config=configs/deep_ae.json
if (($#)); then
  config=$1
  shift
  [[ -f "$config" || ! -f "$here/$config" ]] || config=$here/$config
fi
scripts/setup.sh
scripts/build.sh --program
out=out/$(basename "$config" .json)
status=0
build/etude-sim run "$config" --out "$out" "$@" || status=$?
if ((status != 0)); then
  trap - ERR
  exit "$status"
fi
page=$(.venv/bin/etude report "$out")
echo "report: $page"
