/* SPDX-License-Identifier: Apache-2.0
 * gemm_run.S on pairs of binary16. */
#define GEMM_FP16 1
#include "kernels/lib/gemm/gemm_run.S"
