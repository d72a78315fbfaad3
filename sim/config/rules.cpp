// SPDX-License-Identifier: Apache-2.0
// Values that are each allowed, but not together.
#include "models/base/error.h"
#include "models/iss/isa/isa_config.h"
#include "sim/config/load.h"

namespace etude {
namespace {
constexpr std::uint64_t kPulpTcdmSpace = 0x100000;  // below the test-and-set alias
constexpr unsigned kPulpClusterHarts = 32;          // mhartid: cluster number, 5 bits of core
constexpr std::uint64_t kPulpL2Space = 0x10000000;  // 0x1C000000 up, below the next region

std::string text(std::uint64_t number) { return std::to_string(number); }

void check_isa(const std::string& isa) {
  try {
    parse_isa(isa);
  } catch (const UserError& e) {
    throw UserError("/platform/cluster/isa", e.what(), "see docs/models/iss.md");
  }
}

void check_tcdm(const ClusterConfig& cluster) {
  const std::uint64_t row = cluster.tcdm.row_bytes().raw();
  if (cluster.tcdm.size.raw() % row != 0) {
    throw UserError("/platform/cluster/tcdm/size",
                    text(cluster.tcdm.size.raw()) + " bytes do not divide into " +
                        text(cluster.tcdm.banks) + " banks of words",
                    "give a multiple of " + text(row));
  }
}

void check_redmule(const ClusterConfig& cluster) {
  const RedmuleConfig& redmule = cluster.redmule;
  if (redmule.enabled && !RedmuleConfig::kColumns.holds(redmule.columns())) {
    throw UserError("/platform/cluster/redmule",
                    "height " + text(redmule.height) + " and pipe " + text(redmule.pipe) +
                        " make height * (pipe + 1) = " + text(redmule.columns()) + " columns",
                    "give a height and a pipe with columns " + RedmuleConfig::kColumns.text());
  }
  if (redmule.enabled && redmule.port_bytes() > 4 * cluster.tcdm.banks) {
    throw UserError(
        "/platform/cluster/redmule",
        "its port of " + text(redmule.port_bytes()) + " bytes (height " + text(redmule.height) +
            ", pipe " + text(redmule.pipe) + ") is wider than the " + text(cluster.tcdm.banks) +
            " banks",
        "at most 4 bytes per bank: more /platform/cluster/tcdm/banks, or a smaller height or pipe");
  }
}

void check_harts(const PlatformConfig& platform) {
  const ClusterConfig& cluster = platform.cluster;
  if (!ClusterConfig::kHarts.holds(cluster.harts())) {
    throw UserError(
        "/platform/cluster/cores",
        text(cluster.cores) + " workers and a controller are " + text(cluster.harts()) + " harts",
        "at most 16 together: fewer cores, or controller false");
  }
  if (platform.map == MemoryMap::kPulp && cluster.first_hart % kPulpClusterHarts != 0) {
    throw UserError("/platform/cluster/first_hart",
                    text(cluster.first_hart) + " is no number of a first core",
                    "give a multiple of " + text(kPulpClusterHarts) + " on the pulp map");
  }
}

void check_external(const PlatformConfig& platform) {
  if (!(platform.hyperram.burst_bytes() >= HyperramConfig::kLeastBurst)) {
    throw UserError("/platform/hyperram/burst_cap_ns",
                    "no word of two bytes fits between access_ns and the end of the longest burst",
                    "give a longer burst_cap_ns, a shorter access_ns or a higher bandwidth_mb_s");
  }
  if (platform.flash.size.raw() % FlashConfig::kSectorBytes != 0) {
    throw UserError("/platform/flash/size",
                    text(platform.flash.size.raw()) + " bytes are no whole number of sectors",
                    "give a multiple of " + text(FlashConfig::kSectorBytes));
  }
}

/// `pointer`: of the section that holds the form.
void check_stored_form(const StoredWeightConfig& form, const std::string& pointer) {
  using Stored = StoredWeightConfig;
  if (form.pattern == Stored::Pattern::kTwoOfFour && form.sparsity != 0.5) {
    throw UserError(pointer + "/pattern", "2:4 makes half of the weights zero",
                    "give " + pointer + "/sparsity 0.5, or pattern free");
  }
  if (form.code == Stored::Code::kHuffman && form.weights == Stored::Weights::kFp16) {
    throw UserError(pointer + "/code", "half precision has no Huffman code",
                    "give plain or bitmap, or integers");
  }
}

void check_compress(const CompressConfig& compress) {
  check_stored_form(compress, "/compress");
  for (const auto& [name, form] : compress.tensors) {
    check_stored_form(form, "/compress/tensors/" + name);
  }
}
}  // namespace

void check_combinations(const PlatformConfig& platform) {
  const ClusterConfig& cluster = platform.cluster;
  check_harts(platform);
  check_isa(cluster.core.isa);
  check_tcdm(cluster);
  if (platform.map == MemoryMap::kPulp) {
    if (cluster.tcdm.size.raw() > kPulpTcdmSpace) {
      throw UserError("/platform/cluster/tcdm/size",
                      text(cluster.tcdm.size.raw()) + " bytes reach past the L1 address range",
                      "at most " + text(kPulpTcdmSpace) + " on the pulp map");
    }
    if (platform.l2.size.raw() > kPulpL2Space) {
      throw UserError("/platform/l2/size",
                      text(platform.l2.size.raw()) + " bytes reach past the L2 address range",
                      "at most " + text(kPulpL2Space) + " on the pulp map");
    }
  }
  check_redmule(cluster);
  check_external(platform);
}

void check_combinations(const RootConfig& config) {
  check_combinations(config.platform);
  const WorkloadConfig& workload = config.workload;
  if (workload.network.empty() == workload.onnx.empty()) {
    throw UserError("/workload",
                    workload.onnx.empty() ? "neither network nor onnx is given"
                                          : "both network and onnx are given",
                    "give exactly one of /workload/network and /workload/onnx");
  }
  if (workload.onnx.empty() && !workload.dimensions.empty()) {
    throw UserError("/workload/dimensions/" + workload.dimensions.begin()->first,
                    "is given beside network " + workload.network,
                    "leave it out: extents of ONNX graphs alone have names");
  }
  if (workload.network == "mlp" && workload.sizes.size() < 2) {
    throw UserError("/workload/sizes", "network mlp needs at least two sizes",
                    "give the features of each layer, as [64, 32, 10]");
  }
  check_compress(config.compress);
  if (config.platform.map != MemoryMap::kPulp) {
    throw UserError("/platform/map", "a training step runs on the pulp map only",
                    "set /platform/map to \"pulp\"");
  }
}

}  // namespace etude
