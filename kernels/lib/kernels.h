/* SPDX-License-Identifier: Apache-2.0
 * Every kernel: one C function, called by all workers at once with the arguments of
 * kernels/include/etude_kernels.h. Worker `worker` of `workers` computes its share; no two workers
 * write one word. Workers meet again in the barrier of the caller. */
#ifndef ETUDE_LIB_KERNELS_H
#define ETUDE_LIB_KERNELS_H
#include <stdint.h>

#include "kernels/include/etude_kernel_list.h"

#ifdef __cplusplus
extern "C" {
#endif
#define ETUDE_KERNEL_PROTOTYPE(e, number, name, arguments) \
  void etude_##name(const void* args, uint32_t worker, uint32_t workers);
ETUDE_KERNEL_LIST(ETUDE_KERNEL_PROTOTYPE)
#undef ETUDE_KERNEL_PROTOTYPE
#ifdef __cplusplus
}
#endif
#endif
