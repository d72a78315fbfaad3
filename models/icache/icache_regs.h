/* SPDX-License-Identifier: Apache-2.0
 * Control registers of the instruction cache (plain C): offsets from ETUDE_ICACHE_CTRL_BASE.
 * Source: hier_icache_ctrl_unit.sv, pulp-runtime icache_ctrl. */
#ifndef ETUDE_ICACHE_REGS_H
#define ETUDE_ICACHE_REGS_H

#define ETUDE_ICACHE_ENABLE 0x00u    /* 0: every fetch goes to memory; else on */
#define ETUDE_ICACHE_FLUSH 0x04u     /* a store empties both levels */
#define ETUDE_ICACHE_SEL_FLUSH 0x08u /* a store empties the sets of the stored address */
#define ETUDE_ICACHE_PREFETCH 0x1Cu  /* not modelled: the store is ignored with a warning */

#endif
