// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/counter.h"
#include "models/base/types.h"

namespace etude {

/// The books of a DMA engine: what it moved, and one reason for each cycle in which a transfer was
/// under way; busy + the three stalls = all such cycles.
struct DmaBooks {
  enum class Use : std::uint8_t { kIdle, kBusy, kTcdmConflict, kL2Wait, kQueue };

  Counter transfers{"transfers", "transfers", "Transfers completed"};
  Counter bytes_in{"bytes_in", "bytes", "Bytes read from outside the cluster"};
  Counter bytes_out{"bytes_out", "bytes", "Bytes written to outside the cluster"};
  Counter bursts_read{"bursts_read", "bursts", "AXI read bursts"};
  Counter bursts_write{"bursts_write", "bursts", "AXI write bursts"};
  Counter tcdm_reads{"tcdm_reads", "accesses", "Words read from the TCDM"};
  Counter tcdm_writes{"tcdm_writes", "accesses", "Words written to the TCDM"};
  Counter busy{"busy", "cycles", "Cycles in which a word or beat of data advanced",
               CounterRole::kBusy};
  Counter tcdm_conflict{"tcdm_conflict", "cycles", "Stalled: a TCDM bank was taken",
                        CounterRole::kStall};
  Counter l2_wait{"l2_wait", "cycles", "Stalled: the external memory has not answered yet",
                  CounterRole::kStall};
  Counter queue{"queue", "cycles", "Stalled: commands on their way through the engine",
                CounterRole::kStall};

  void count(Use use, std::uint64_t cycles) {
    switch (use) {
      case Use::kIdle:
        break;
      case Use::kBusy:
        busy += cycles;
        break;
      case Use::kTcdmConflict:
        tcdm_conflict += cycles;
        break;
      case Use::kL2Wait:
        l2_wait += cycles;
        break;
      case Use::kQueue:
        queue += cycles;
        break;
    }
  }

  void visit(const CounterVisitor& visitor) const {
    for (const Counter* counter :
         {&transfers, &bytes_in, &bytes_out, &bursts_read, &bursts_write, &tcdm_reads, &tcdm_writes,
          &busy, &tcdm_conflict, &l2_wait, &queue}) {
      visitor(*counter);
    }
  }
};

}  // namespace etude
