// SPDX-License-Identifier: Apache-2.0
#include "sim/profile/instruction_log.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <tuple>

#include "models/base/error.h"
#include "models/base/system_error.h"
#include "models/iss/isa/disassemble.h"
#include "sim/engine/accounting.h"

namespace etude {
namespace {

constexpr std::size_t kBatch = 1u << 16;  // rows

}  // namespace

InstructionLog::InstructionLog(ProgramProfile& profile, const std::string& file,
                               const LogRange& range)
    : profile_(profile), name_(file), out_(file), full_(kBatch) {
  if (!out_) {
    throw UserError(file, "cannot be written", "name a file in a folder that can be");
  }
  out_ << "# cycle\thart\tpc\tfunction (file:line)\tinstruction\tstalls\n";
  for (unsigned h = 0; h < profile.harts(); ++h) {
    if (!range.hart || *range.hart == h) {
      profile.hart(h).set_log([this, h, range](const Core& core, const RetiredInstr& retired) {
        if (retired.cycle >= range.from && retired.cycle <= range.to) {
          add(h, core, retired);
        }
      });
    }
  }
}

void InstructionLog::add(unsigned hart, const Core& core, const RetiredInstr& retired) {
  std::string& text = text_[retired.pc];
  if (text.empty()) {
    const Instr* const instr = core.instruction(retired.pc);
    char pc[16];
    std::snprintf(pc, sizeof pc, "0x%08x", retired.pc);
    text = std::string("\t") + pc + "\t" + profile_.map().describe(retired.pc) + "\t" +
           (instr != nullptr ? disassemble(*instr, retired.pc) : "?") + "\t";
  }
  rows_.push_back(
      {retired.cycle, retired.stalls, retired.pc, static_cast<std::uint8_t>(hart), retired.why});
  if (rows_.size() >= full_) {
    // What every hart has passed is complete.
    std::uint64_t passed = std::numeric_limits<std::uint64_t>::max();
    for (unsigned h = 0; h < profile_.harts(); ++h) {
      passed = std::min(passed, profile_.hart(h).clock());
    }
    write_before(passed);
    full_ = 2 * rows_.size() + kBatch;
  }
}

void InstructionLog::write_before(std::uint64_t cycle) {
  std::ranges::sort(rows_, [](const Row& a, const Row& b) {
    return std::tie(a.cycle, a.hart) < std::tie(b.cycle, b.hart);
  });
  auto row = rows_.begin();
  for (; row != rows_.end() && row->cycle < cycle; ++row) {
    out_ << row->cycle << '\t' << unsigned{row->hart} << text_[row->pc];
    if (row->why == StallReason::kCount) {
      out_ << "-\n";
    } else {
      out_ << stall_name(row->why) << ' ' << row->stalls << '\n';
    }
  }
  rows_.erase(rows_.begin(), row);
}

void InstructionLog::finish() {
  write_before(std::numeric_limits<std::uint64_t>::max());
  out_.close();
  if (!out_) {
    throw SystemError(name_ + ": cannot be written");
  }
}

}  // namespace etude
