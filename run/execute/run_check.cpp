// SPDX-License-Identifier: Apache-2.0
#include "run/execute/run_check.h"

#include <fstream>
#include <utility>

#include "models/base/error.h"
#include "models/base/pulp_map_regs.h"
#include "run/execute/job.h"

namespace etude::run {

RunCheck::RunCheck(const Plan& plan, const Job& job, std::string file)
    : file_(std::move(file)),
      runtime_(ElfFile::load(runtime_before(plan.program().tasks.address))),
      map_(runtime_, runtime_before(plan.program().tasks.address)),
      declared_(plan.program(),
                static_cast<std::uint32_t>(plan.config().platform.cluster.tcdm.size.raw()),
                plan.config().platform.cluster.cores, plan.config().platform.cluster.controller),
      checker_(runtime_, map_) {
  if (!file_.empty() && !std::ofstream(file_)) {
    throw UserError(file_, "cannot be written", "name a file in a folder that can be");
  }
  const auto bytes_of = [](Bytes bytes) { return static_cast<std::uint32_t>(bytes.raw()); };
  for (const MemoryImage& image : job.images) {
    checker_.define(image.base.raw(), static_cast<std::uint32_t>(image.bytes.size()));
  }
  const Program& program = plan.program();
  const std::uint32_t reserved = bytes_of(program.l1_reserved);
  const std::uint32_t l1 = bytes_of(plan.config().platform.cluster.tcdm.size);
  checker_.add_object(ETUDE_L1_BASE, reserved, "runtime");
  checker_.add_object(ETUDE_L1_BASE + reserved, l1 - reserved, "l1");
  for (const StoredTensor& tensor : program.stored) {
    if (!tensor.external) {
      checker_.name_place(tensor.address.raw(), bytes_of(tensor.bytes), tensor.name);
    }
  }
  checker_.hold_to(declared_);
}

CheckerFindings RunCheck::finish() const {
  return {checker_.text(), checker_.findings().has_errors(),
          file_.empty() ? "" : checker_.write(file_)};
}

}  // namespace etude::run
