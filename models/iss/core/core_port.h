// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "models/base/types.h"

namespace etude {

/// Why Core::run() came back.
enum class CoreWait : std::uint8_t {
  kLimit,  ///< the next instruction would enter EX at or after the limit
  kData,   ///< a load or store: access() says what and when; go on with complete()
  kFetch,  ///< the private instruction cache misses: fetch_line() is asked for in fetch_when(); go
           ///< on with fetch_posted() in that cycle
  kLine,   ///< nothing more to do before the line that was asked for is here: complete_fetch()
  kFpu,    ///< a shared FPU is asked for at fpu_when(); go on with complete_fpu()
  kSleep,  ///< wfi: asleep until an enabled interrupt line rises
  kHalt,   ///< stopped for good: trap without handler or an error that no program wants; error()
           ///< says which
};

/// One word-aligned-or-smaller data access of a core (a misaligned one is issued by the core as
/// two).
struct DataAccess {
  Cycle when;               ///< first cycle in which the request is up
  std::uint32_t address{};  ///< byte address; does not cross a 4-byte boundary
  std::uint32_t wdata{};    ///< store data, in the low `bytes` bytes
  std::uint8_t bytes{4};    ///< 1, 2, 3 (part of a misaligned access) or 4
  bool write{false};
  bool blocking{false};  ///< cv.elw: the event unit may keep it waiting, and the core is
                         ///< clock-gated meanwhile
};

/// What kept a granted access or a fetch waiting; each stalled cycle of a core has exactly one
/// reason. The first group is found by the core itself, the second is told by the cluster in
/// complete().
enum class StallReason : std::uint8_t {
  kLoadUse,       ///< operand of a load one cycle too early
  kMultiCycle,    ///< second and later EX cycles of mulh, div, rem
  kFpDependency,  ///< operand of an FP operation not back yet
  kFpStructural,  ///< FPU busy, or write port taken by a returning FP result
  kJump,          ///< jal, jalr: refill of the pipeline
  kBranch,        ///< taken branch: refill of the pipeline
  kCsr,           ///< CSR, fence, trap, return: pipeline flush
  kMisaligned,    ///< second access of a misaligned load or store
  kTcdmConflict,  ///< bank taken by another master
  kIcacheMiss,    ///< instruction not there
  kL2Access,      ///< load, store outside the cluster
  kPeripheral,    ///< load, store to a cluster peripheral
  kDmaProgram,    ///< the DMA refused the programming core
  kEventWait,     ///< asleep in the event unit (barrier, event, mutex, dispatch)
  kSleep,         ///< wfi, or not yet started, or ended
  kSharedFpu,     ///< shared FPU taken by another core
  kCount
};
inline constexpr unsigned kStallReasons = static_cast<unsigned>(StallReason::kCount);

}  // namespace etude
