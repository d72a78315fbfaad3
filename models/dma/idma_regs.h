/* SPDX-License-Identifier: Apache-2.0
 * Registers of the iDMA front end as a core sees them (plain C), offsets from ETUDE_DMA_DEMUX_BASE.
 * A transfer: write SRC, DST, NUM_BYTES, CONF [, STRIDE_SRC, STRIDE_DST, REPS], then read NEXT_ID,
 * which launches it and returns its id. It is complete when DONE shows that id or a later one.
 * Every completion sends the event to all cores. Source: pulp_cluster's idma_wrap, iDMA 0.5.1. */
#ifndef ETUDE_IDMA_REGS_H
#define ETUDE_IDMA_REGS_H

#define ETUDE_IDMA_SRC 0x00u
#define ETUDE_IDMA_DST 0x04u
#define ETUDE_IDMA_NUM_BYTES 0x08u /* of a row */
#define ETUDE_IDMA_CONF 0x0Cu
#define ETUDE_IDMA_CONF_2D (1u << 3)
#define ETUDE_IDMA_STRIDE_SRC 0x10u
#define ETUDE_IDMA_STRIDE_DST 0x14u
#define ETUDE_IDMA_REPS 0x18u   /* rows */
#define ETUDE_IDMA_STATUS 0x1Cu /* r: not 0 while the engine works */
#define ETUDE_IDMA_NEXT_ID 0x20u
#define ETUDE_IDMA_DONE 0x24u /* r: id of the transfer that completed last */

#endif
