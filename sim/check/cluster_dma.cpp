// SPDX-License-Identifier: Apache-2.0
// The cluster's DMA: MCHAN's command sequence and iDMA's registers.
#include <utility>

#include "models/dma/idma_regs.h"
#include "models/dma/mchan_regs.h"
#include "sim/check/engines.h"

namespace etude::check {
namespace {

/// Cycles in which a command of another hart may be on its way to the engine, and STATUS not show
/// it yet.
constexpr std::uint64_t kOnItsWay = 8;

/// `bytes` in rows of `row`; the last one may be shorter.
std::vector<Rows> rows_of(std::uint32_t address, std::uint32_t bytes, std::uint32_t row,
                          std::uint32_t pitch) {
  if (row == 0 || row >= bytes) {
    return {{address, 1, bytes, 0}};
  }
  std::vector<Rows> rows{{address, bytes / row, row, pitch}};
  if (bytes % row != 0) {
    rows.push_back({address + bytes / row * pitch, 1, bytes % row, 0});
  }
  return rows;
}

std::uint32_t row_field(std::uint32_t data) { return ((data - 1) & 0xFFFF) + 1; }

}  // namespace

void Engines::cluster_dma(const RegisterAccess& access) {
  if (is_idma_) {
    idma(access);
  } else {
    mchan(access);
  }
}

void Engines::mchan(const RegisterAccess& access) {
  Mchan& m = mchan_[access.hart];
  const bool command = (access.offset & 0xC) == ETUDE_MCHAN_CMD;
  if (m.step != Step::kIdle && (!command || !access.write)) {
    fault(access, "MCHAN CMD", "a transfer was left in the middle of its words");
    m.step = Step::kIdle;
  }
  if (!command) {
    mchan_status(access);
  } else if (!access.write) {
    m.id = access.data;
    m.given = access.cycle;
    m.step = Step::kCommand;
    reserved_ |= 1u << (m.id % kDmaIds);
  } else if (mchan_word(access, m)) {
    m.step = Step::kIdle;
    mchan_post(access, m);
  }
}

bool Engines::waits_for_id(unsigned hart, std::uint32_t offset, std::uint64_t since) const {
  constexpr std::uint32_t kAll = (1u << kDmaIds) - 1;
  return !is_idma_ && reserved_ == kAll && (offset & 0xC) == ETUDE_MCHAN_CMD &&
         since > mchan_[hart].given;
}

void Engines::mchan_status(const RegisterAccess& access) {
  if ((access.offset & 0xC) != ETUDE_MCHAN_STATUS) {
    return;
  }
  for (unsigned id = 0; id < kDmaIds; ++id) {
    const unsigned lane = kDmaLane + id;
    const auto posted = static_cast<std::uint32_t>(works_[lane].size());
    const bool named = (access.data >> id & 1) != 0;
    if (access.write && named) {
      if ((reserved_ >> id & 1) == 0) {
        fault(access, "MCHAN STATUS", "id " + std::to_string(id) + " is freed and not reserved");
      } else if (done_[lane] < posted) {
        fault(access, "MCHAN STATUS",
              "id " + std::to_string(id) + " is freed while its transfer is under way");
      }
      reserved_ &= ~(1u << id);
    } else if (!access.write && !named && posted != 0) {
      const Work& last = works_[lane].back();
      if (last.by == access.hart || last.posted + kOnItsWay < access.cycle) {
        done_[lane] = posted;
        threads_[access.hart].order.acquire(lane, posted);
      }
    }
  }
}

// The next word of a command. True: the last one.
bool Engines::mchan_word(const RegisterAccess& access, Mchan& m) {
  const std::uint32_t data = access.data;
  switch (m.step) {
    case Step::kIdle:
      fault(access, "MCHAN CMD", "a transfer is posted and no id was asked for");
      [[fallthrough]];
    case Step::kCommand:
      m.step = Step::kL1;
      m.command = data;
      m.ext_row = m.ext_pitch = m.l1_row = m.l1_pitch = 0;
      return false;
    case Step::kL1:
      m.l1 = data;
      m.step = Step::kExt;
      return false;
    case Step::kExt:
      m.ext = data;
      m.step = (m.command & ETUDE_MCHAN_2D_EXT) != 0 ? Step::kExtRow : Step::kL1Row;
      return (m.command & (ETUDE_MCHAN_2D_EXT | ETUDE_MCHAN_2D_L1)) == 0;
    case Step::kExtRow:
      m.ext_row = row_field(data);
      m.step = Step::kExtPitch;
      return false;
    case Step::kExtPitch:
      m.ext_pitch = row_field(data);
      m.step = Step::kL1Row;
      return (m.command & ETUDE_MCHAN_2D_L1) == 0;
    case Step::kL1Row:
      m.l1_row = row_field(data);
      m.step = Step::kL1Pitch;
      return false;
    case Step::kL1Pitch:
      m.l1_pitch = row_field(data);
      return true;
  }
  return false;
}

void Engines::mchan_post(const RegisterAccess& access, const Mchan& m) {
  if ((m.command & ETUDE_MCHAN_LEN_MASK) == 0) {
    fault(access, "MCHAN CMD", "a transfer of no bytes is posted: the engine moves 131072");
    move(kDmaLane + m.id % kDmaIds, m.id, access, {}, {});
    return;
  }
  const std::uint32_t bytes = m.command & ETUDE_MCHAN_LEN_MASK;
  std::vector<Rows> l1 = rows_of(m.l1, bytes, m.l1_row, m.l1_pitch);
  std::vector<Rows> ext = rows_of(m.ext, bytes, m.ext_row, m.ext_pitch);
  if ((m.command & ETUDE_MCHAN_INCREMENT) == 0) {
    ext.clear();  // a port, not memory
  }
  const bool to_l1 = (m.command & ETUDE_MCHAN_TO_L1) != 0;
  move(kDmaLane + m.id % kDmaIds, m.id, access, to_l1 ? ext : l1, to_l1 ? l1 : ext);
}

void Engines::idma(const RegisterAccess& access) {
  auto& r = idma_[access.hart];
  const std::uint32_t offset = access.offset & 0x3FC;
  if (access.write) {
    if (offset / 4 < r.size()) {
      r[offset / 4] = access.data;
    } else {
      fault(access, "iDMA", "a register that the DMA does not let write is written");
    }
    return;
  }
  const auto posted = static_cast<std::uint32_t>(works_[kDmaLane].size());
  Order& order = threads_[access.hart].order;
  if (offset == ETUDE_IDMA_NEXT_ID) {
    const bool rows = (r[ETUDE_IDMA_CONF / 4] & ETUDE_IDMA_CONF_2D) != 0;
    const std::uint32_t reps = rows ? r[ETUDE_IDMA_REPS / 4] : 1;
    const std::uint32_t bytes = r[ETUDE_IDMA_NUM_BYTES / 4];
    if (access.data == 0) {
      fault(access, "iDMA NEXT_ID", "a transfer of no bytes is launched");
      return;
    }
    move(kDmaLane, access.data, access,
         {{r[ETUDE_IDMA_SRC / 4], reps, bytes, rows ? r[ETUDE_IDMA_STRIDE_SRC / 4] : 0}},
         {{r[ETUDE_IDMA_DST / 4], reps, bytes, rows ? r[ETUDE_IDMA_STRIDE_DST / 4] : 0}});
  } else if (offset == ETUDE_IDMA_DONE && posted != 0) {
    // Ids count up by one; the first transfer's is known from its launch.
    const std::uint32_t first = works_[kDmaLane].front().id;
    const std::uint32_t over = access.data + 1 - first;
    if (over <= posted) {
      done_[kDmaLane] = std::max(done_[kDmaLane], over);
      order.acquire(kDmaLane, over);
    }
  } else if (offset == ETUDE_IDMA_STATUS && access.data == 0) {
    done_[kDmaLane] = posted;
    order.acquire(kDmaLane, posted);
  }
}

}  // namespace etude::check
