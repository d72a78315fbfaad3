/* SPDX-License-Identifier: Apache-2.0
 * Registers of the event unit (plain C): offsets from ETUDE_EU_DEMUX_BASE, each core sees its own.
 * Source: eu_v3.h of pulp-runtime, event_unit_flex RTL. */
#ifndef ETUDE_EVENT_UNIT_REGS_H
#define ETUDE_EVENT_UNIT_REGS_H

#define ETUDE_EU_MASK 0x00u     /* events that end a wait: write, ... */
#define ETUDE_EU_MASK_AND 0x04u /* ... clear the bits that are set in the data, ... */
#define ETUDE_EU_MASK_OR 0x08u  /* ... set them */
#define ETUDE_EU_MASK_IRQ 0x0Cu
#define ETUDE_EU_MASK_IRQ_AND 0x10u
#define ETUDE_EU_MASK_IRQ_OR 0x14u
#define ETUDE_EU_STATUS 0x18u
#define ETUDE_EU_BUFFER 0x1Cu
#define ETUDE_EU_BUFFER_MASKED 0x20u
#define ETUDE_EU_BUFFER_IRQ_MASKED 0x24u
#define ETUDE_EU_BUFFER_CLEAR 0x28u
#define ETUDE_EU_SW_MASK 0x2Cu /* cores that a software-event trigger-and-wait reaches; 0 = all */
#define ETUDE_EU_SW_MASK_AND 0x30u
#define ETUDE_EU_SW_MASK_OR 0x34u
#define ETUDE_EU_EVENT_WAIT 0x38u       /* blocking load */
#define ETUDE_EU_EVENT_WAIT_CLEAR 0x3Cu /* blocking load */

#define ETUDE_EU_DISPATCH 0x80u /* store: push; blocking load: pop */
#define ETUDE_EU_DISPATCH_TEAM 0x84u
#define ETUDE_EU_MUTEX 0xC0u /* blocking load: lock; store: unlock, the data is the message */

#define ETUDE_EU_SW_TRIGGER 0x100u /* + 4 * event: store of a core mask, 0 = all */
#define ETUDE_EU_SW_TRIGGER_WAIT 0x140u
#define ETUDE_EU_SW_TRIGGER_WAIT_CLEAR 0x180u

#define ETUDE_EU_BARRIER 0x200u /* + 0x20 * barrier */
#define ETUDE_EU_BARRIER_STRIDE 0x20u
#define ETUDE_EU_BARRIER_TRIGGER_MASK 0x00u
#define ETUDE_EU_BARRIER_STATUS 0x04u
#define ETUDE_EU_BARRIER_TARGET_MASK 0x0Cu
#define ETUDE_EU_BARRIER_TRIGGER 0x10u            /* store: cores that arrive */
#define ETUDE_EU_BARRIER_TRIGGER_SELF 0x14u       /* load: this core arrives */
#define ETUDE_EU_BARRIER_TRIGGER_WAIT 0x18u       /* blocking load */
#define ETUDE_EU_BARRIER_TRIGGER_WAIT_CLEAR 0x1Cu /* blocking load */

/* The view of the peripheral interconnect, offsets from ETUDE_EU_PERIPH_BASE. */
#define ETUDE_EU_PERIPH_CORE_STRIDE 0x40u /* core c's registers 0x00..0x34 at 0x40 * c */
#define ETUDE_EU_PERIPH_BARRIER 0x400u    /* + 0x20 * barrier */
#define ETUDE_EU_PERIPH_SW_EVENT 0x600u   /* + 4 * event: store of a core mask, 0 = all */

#endif
