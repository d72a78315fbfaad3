#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The one list of what Etude needs on a Debian 12 machine. Usage: scripts/setup.sh [--tests]
#   without arguments: what building and running needs;  --tests: what the tests need as well.
# Idempotent: when nothing is missing it returns at once.
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'echo "setup.sh: failed at line $LINENO: $BASH_COMMAND" >&2' ERR

debian=(build-essential cmake ninja-build pkg-config ccache ca-certificates
        libsystemc-dev nlohmann-json3-dev libcli11-dev libonnx-dev libprotobuf-dev protobuf-compiler libzip-dev libdw-dev
        libssl-dev libsqlite3-dev catch2
        clang-19 lld-19 llvm-19 python3 python3-dev python3-venv)
python=(numpy==2.2.6 highsbox==1.15.1 typer==0.15.4 click==8.1.8 rich==14.0.0 polars==2.1.0
        distributed==2026.8.0 optuna==5.0.0
        pybind11==3.1.0 scikit-build-core==0.11.6)
if [[ "${1:-}" == "--tests" ]]; then
  debian+=(gdb-multiarch valgrind)
  debian+=(simavr gcc-avr avr-libc)
  debian+=(qemu-user gcc clang-format-19 clang-tidy-19 chromium)
  python+=(pytest==8.3.5 jsonschema==4.23.0 ruff==0.11.10 mypy==2.4.1 playwright==1.52.0 torch==2.13.0 scipy==1.17.1
           onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 perfetto==0.59.1 nbclient==0.11.0 ipykernel==7.4.0)
fi

missing=()
for package in "${debian[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
  root=(); [[ $(id -u) == 0 ]] || root=(sudo)
  echo "setup: installing ${missing[*]}"
  "${root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

[[ -x .venv/bin/python ]] || python3 -m venv .venv
stamp=.venv/installed.txt
# The package itself is installed in place, without what scripts/build.sh compiles; its own line changes with
# pyproject.toml and the version.
wanted=$(printf '%s\n' "${python[@]}" "etude $(cat pyproject.toml VERSION | sha256sum)")
if [[ -n $(comm -13 <(sort -u "$stamp" 2>/dev/null) <(sort -u <<<"$wanted")) ]]; then
  echo "setup: installing Python packages"
  .venv/bin/python -m pip install -q --disable-pip-version-check "${python[@]}"
  .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation \
    -C wheel.cmake=false -e .
  sort -u <<<"$wanted" > "$stamp"
fi
