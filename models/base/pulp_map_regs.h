/* SPDX-License-Identifier: Apache-2.0
 * Addresses of the PULP map that programs and the model share (plain C).
 * Source: pulp-runtime archi/chips/pulp, pulp-sdk siracusa, pulp_cluster RTL; entries marked "ours"
 * extend it. */
#ifndef ETUDE_PULP_MAP_REGS_H
#define ETUDE_PULP_MAP_REGS_H

#define ETUDE_L1_BASE 0x10000000u
#define ETUDE_L1_ALIAS 0x00000000u
#define ETUDE_L1_TEST_AND_SET \
  0x00100000u /* bit of the address: a load returns the old word and writes all ones */
#define ETUDE_CLUSTER_PERIPH_BASE 0x10200000u
#define ETUDE_CLUSTER_PERIPH_ALIAS 0x00200000u
#define ETUDE_CLUSTER_CTRL_BASE 0x10200000u
#define ETUDE_CLUSTER_TIMER_BASE 0x10200400u
#define ETUDE_EU_PERIPH_BASE 0x10200800u
#define ETUDE_HWPE_BASE 0x10201000u
#define ETUDE_ICACHE_CTRL_BASE 0x10201400u
#define ETUDE_DMA_EXT_BASE 0x10201800u
#define ETUDE_EU_DEMUX_BASE 0x10204000u
#define ETUDE_DMA_DEMUX_BASE 0x10204400u
#define ETUDE_L2_BASE 0x1C000000u
#define ETUDE_SOC_PERIPH_BASE 0x1A100000u
#define ETUDE_SOC_DMA_BASE 0x1A102000u /* ours */
#define ETUDE_APB_SOC_CTRL_BASE 0x1A104000u
#define ETUDE_SOC_CORESTATUS 0x1A1040A0u /* store (1<<31)|status ends the run */
#define ETUDE_STDOUT_BASE 0x1A10F000u    /* + (core<<3) + (cluster<<7): store of a byte prints it */
#define ETUDE_SIM_PORT_BASE \
  0x1A110000u /* ours: markers of the simulated step, see sim_port_regs.h */
#define ETUDE_HYPERRAM_BASE 0x80000000u /* ours: reached by the SoC DMA only */
#define ETUDE_FLASH_BASE 0x90000000u    /* ours: reached by the SoC DMA only */

/* Cluster control unit, offsets from ETUDE_CLUSTER_CTRL_BASE. */
#define ETUDE_CTRL_EOC 0x00u
#define ETUDE_CTRL_FETCH_EN 0x08u
#define ETUDE_CTRL_EVENT 0x10u
#define ETUDE_CTRL_CLUSTER_CFG 0x18u /* bit 8: HCI priority inverted, bits 7:0: maximum stall */
#define ETUDE_CTRL_CLK_GATE 0x20u
#define ETUDE_CTRL_BOOTADDR0 0x40u
#define ETUDE_CTRL_RETURN 0x100u

/* Cluster timer, offsets from ETUDE_CLUSTER_TIMER_BASE (HI half = +4). */
#define ETUDE_TIMER_CFG_LO 0x00u /* bit 0 enable, bit 1 reset, bit 2 interrupt, bit 31 cascade */
#define ETUDE_TIMER_CNT_LO 0x08u
#define ETUDE_TIMER_CMP_LO 0x10u
#define ETUDE_TIMER_START_LO 0x18u
#define ETUDE_TIMER_RESET_LO 0x20u

/* Event lines of the event unit. */
#define ETUDE_EVENT_DMA 8u
#define ETUDE_EVENT_DMA1 9u
#define ETUDE_EVENT_TIMER_LO 10u
#define ETUDE_EVENT_TIMER_HI 11u
#define ETUDE_EVENT_ACC0 12u
#define ETUDE_EVENT_BARRIER 16u
#define ETUDE_EVENT_MUTEX 17u
#define ETUDE_EVENT_DISPATCH 18u
#define ETUDE_EVENT_SOC 27u

/* SoC DMA, offsets from ETUDE_SOC_DMA_BASE (ours). A read of START launches and returns the id. */
#define ETUDE_SOC_DMA_SRC 0x00u
#define ETUDE_SOC_DMA_DST 0x04u
#define ETUDE_SOC_DMA_LEN 0x08u /* bytes of a row */
#define ETUDE_SOC_DMA_STRIDE \
  0x0Cu /* bytes between rows on the external-memory side; the L2 side is dense */
#define ETUDE_SOC_DMA_REPS 0x10u
#define ETUDE_SOC_DMA_START 0x14u
#define ETUDE_SOC_DMA_DONE 0x18u /* r: number of transfers completed */
#define ETUDE_SOC_DMA_SRC_ERASE \
  0xFFFFFFFFu /* as SRC: erase the flash sectors that DST, LEN * REPS touch */

#endif
