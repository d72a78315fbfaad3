/* SPDX-License-Identifier: Apache-2.0
 * Registers of the MCHAN DMA as a core sees them (plain C), offsets from ETUDE_DMA_DEMUX_BASE.
 * A transfer: read CMD (a transfer id), then write to CMD, in this order: command word, L1 address,
 * external address [, bytes of a row and stride of the external side] [, bytes of a row and stride
 * of the L1 side]. Wait until STATUS shows the id inactive (or for the event), then write 1 << id
 * to STATUS to free it. Source: mchan RTL and the PULP runtime's hal. */
#ifndef ETUDE_MCHAN_REGS_H
#define ETUDE_MCHAN_REGS_H

#define ETUDE_MCHAN_CMD 0x0u
#define ETUDE_MCHAN_STATUS 0x4u /* r: 15:0 id active, 31:16 id reserved; w: 1 << id frees it */

/* Command word. The length counts all bytes of all rows; 0 means 131072. */
#define ETUDE_MCHAN_LEN_MASK 0x1FFFFu
#define ETUDE_MCHAN_TO_L1 (1u << 17)     /* 1 = external memory to L1 */
#define ETUDE_MCHAN_INCREMENT (1u << 18) /* external address advances from burst to burst */
#define ETUDE_MCHAN_2D_EXT (1u << 19)    /* rows on the external side */
#define ETUDE_MCHAN_EVENT (1u << 20)     /* event at completion */
#define ETUDE_MCHAN_INTERRUPT (1u << 21) /* interrupt at completion (the line is not modelled) */
#define ETUDE_MCHAN_BROADCAST (1u << 22) /* event to all cores */
#define ETUDE_MCHAN_2D_L1 (1u << 23)     /* rows on the L1 side */

#endif
