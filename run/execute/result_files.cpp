// SPDX-License-Identifier: Apache-2.0
#include "run/execute/result_files.h"

#include <string>
#include <vector>

namespace etude::run {

void finish(ResultFolder& folder, const RootConfig& config, const Result& result) {
  std::vector<NamedBytes> between;
  if (config.run.tier == RunConfig::Tier::kCycle) {  // else nothing was computed
    between.push_back({"outputs.npz", npz_bytes(result.outputs)});
  }
  if (result.timeline) {
    between.push_back({"trace.pftrace", perfetto_trace(*result.timeline)});
  }
  folder.finish(config, between, result.json);
}

}  // namespace etude::run
