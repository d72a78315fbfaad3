// SPDX-License-Identifier: Apache-2.0
#include "models/base/error.h"
#include "models/dma/cluster_dma.h"
#include "models/dma/idma.h"
#include "models/dma/mchan.h"

namespace etude {

std::unique_ptr<ClusterDma> make_dma(const sc_core::sc_module_name& name, const DmaConfig& config,
                                     unsigned cores, AxiPort& axi) {
  switch (config.engine) {
    case DmaConfig::Engine::kMchan:
      return std::make_unique<Mchan>(name, config, cores, axi);
    case DmaConfig::Engine::kIdma:
      return std::make_unique<Idma>(name, config, cores, axi);
  }
  throw UserError("/platform/cluster/dma/engine", "is unknown", "mchan and idma are available");
}

}  // namespace etude
