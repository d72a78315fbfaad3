// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etude::compiler {

/// What is not one operation's own, in cluster cycles: the controller's work, what units have
/// beside their beats, units beside each other. Numbers and sources: coefficients.def.
struct UnitCosts {
  double post_kernel = 0;      ///< controller: to post a kernel
  double post_job = 0;         ///< controller: to post a RedMulE job
  double post_transfer = 0;    ///< controller: to post a transfer
  double look_cores = 0;       ///< controller: to look how far the cores are
  double look_redmule = 0;     ///< controller: to look how far RedMulE is
  double look_dma = 0;         ///< controller: to look how far the cluster DMA is
  double look_soc_dma = 0;     ///< controller: to look how far the SoC DMA is
  double wake = 0;             ///< controller: to go on after a wait that really waited
  double job = 0;              ///< RedMulE: from start to done, beside the beats of its tiles
  double job_row = 0;          ///< RedMulE: the same, for each row of the array
  double job_program = 0;      ///< RedMulE: programming of a job
  double mchan_start = 0;      ///< MCHAN: a transfer, beside L2's latency and the beats
  double mchan_piece_in = 0;   ///< MCHAN: for each 256 bytes of a row, into L1
  double mchan_piece_out = 0;  ///< MCHAN: for each 256 bytes of a row, out of L1
  double idma_start = 0;       ///< iDMA: a transfer, beside L2's latency and the beats
  double page = 0;             ///< SoC DMA: a transfer, beside its bursts
  double contention = 0;       ///< tiles: what cores and DMA take longer beside RedMulE
  double post = 0;             ///< tiles: the controller's part in one operation and its wait
  double hand_over =
      0;  ///< tiles: from the end of an operation to the start of the one that waits for it
  double core_accesses = 0;   ///< order: accesses of a core per cycle, which the wide port holds up
  double bank_conflicts = 0;  ///< order: speed of a transfer beside cores at work
};

/// Those of the file.
const UnitCosts& unit_costs();

}  // namespace etude::compiler
