#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Packs the RTL records that the fidelity tests read into rtl_records.tar.xz: the same files give the same
# bytes. Usage: tests/data/pack.sh FOLDER   (FOLDER holds reference/)
set -euo pipefail
(($# == 1)) && [[ -d $1/reference ]] || { echo "usage: tests/data/pack.sh FOLDER (with reference/ in it)" >&2; exit 2; }
out=$(cd "$(dirname "$0")" && pwd)/rtl_records.tar.xz
cd "$1"
records=(core_rtl_cycles.csv core_micro redmule_rtl_cycles.csv hci_traces tcdm_contention.csv redmule_contention.csv
         dma_rtl.csv sync_rtl.csv icache_rtl.csv icache_core.csv xcv_encodings.md)
# 1980: the date that says nothing, which every unpacker takes.
tar --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime=1980-01-01T00:00:00Z \
  -cf - "${records[@]/#/reference/}" | xz -9e -T1 > "$out"
ls -l "$out"
