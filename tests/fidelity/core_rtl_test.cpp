// SPDX-License-Identifier: Apache-2.0
// Every micro-kernel of the core's RTL measurements, assembled and run on one core with ideal
// memories: the cycles between its two markers are equal, or the row stands in the list of known
// differences with its reason.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "tests/support/core_bench.h"
#include "tests/support/shared_data.h"
#include "tests/support/toolchain.h"

using namespace etude;
using namespace etude::test;

namespace {

/// Rows that differ from the RTL, each with the reason.
const std::map<std::string, std::string> kKnownDifferences = {};

std::string text_of(const std::filesystem::path& file) {
  const auto bytes = read_bytes(file);
  return {bytes.begin(), bytes.end()};
}

std::uint64_t fnv(const std::string& text) {
  std::uint64_t hash = 1469598103934665603u;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return hash;
}

/// Flat images of all sources, assembled in parallel, kept in the build folder by content.
class Images {
 public:
  explicit Images(std::filesystem::path sources)
      : sources_(std::move(sources)), folder_(binary_dir() / "core_micro") {
    std::filesystem::create_directories(folder_);
    common_ = text_of(sources_ / "common.h");
  }
  void want(const std::string& id, bool zfinx) {
    const std::string march = std::string(zfinx ? "rv32imc_zfinx" : "rv32imfc") +
                              "_zicsr_zifencei_xcvmem_xcvmac_xcvsimd_xcvalu_xcvbitmanip_xcvbi_"
                              "xcvelw";
    const std::filesystem::path source = sources_ / (id + ".S");
    std::ostringstream name;
    name << id << '-' << std::hex << fnv(common_ + text_of(source) + march);
    const std::string base = (folder_ / name.str()).string();
    files_[{id, zfinx}] = base + ".bin";
    if (!std::filesystem::exists(base + ".bin")) {
      jobs_ << "clang-19 --target=riscv32 -mabi=ilp32 " << (zfinx ? "-DZFINX=1 " : "")
            << "-march=" << march << " -c " << source << " -o " << base << ".o && ld.lld-19 "
            << "-Ttext=0 -e _start --oformat binary -o " << base << ".tmp " << base << ".o && mv "
            << base << ".tmp " << base << ".bin && rm " << base << ".o\n";
    }
  }
  void make() {
    const std::string list = (folder_ / "jobs").string();
    write_text(list, jobs_.str());
    capture("xargs -a " + list + " -d '\\n' -P 4 -I{} sh -c '{}'");
  }
  std::vector<std::uint8_t> get(const std::string& id, bool zfinx) const {
    return read_bytes(files_.at({id, zfinx}));
  }

 private:
  std::filesystem::path sources_;
  std::filesystem::path folder_;
  std::string common_;
  std::ostringstream jobs_;
  std::map<std::pair<std::string, bool>, std::string> files_;
};

}  // namespace

TEST_CASE("micro-kernels take the cycles of the RTL", "[core][rtl]") {
  const auto table = shared_file("reference/core_rtl_cycles.csv");
  if (!table) {
    return;
  }
  const auto rows = read_csv(*table);
  Images images(table->parent_path() / "core_micro");
  for (const auto& row : rows) {
    images.want(row.at("id"), row.at("zfinx") == "1");
  }
  images.make();
  unsigned equal = 0;
  unsigned unexplained = 0;
  std::set<std::string> different;
  for (const auto& row : rows) {
    const bool zfinx = row.at("zfinx") == "1";
    CoreConfig config;
    config.addmul_latency = static_cast<unsigned>(std::stoul(row.at("fpu_addmul_lat")));
    config.others_latency = static_cast<unsigned>(std::stoul(row.at("fpu_others_lat")));
    config.corev_cluster = row.at("corev_cluster") == "1";
    config.ignore_loop_branches = true;
    CoreBench bench(std::string(zfinx ? "rv32imc_zfinx" : "rv32imfc") +
                        "_zicsr_zifencei_xcvmem_xcvmac_xcvsimd_xcvalu_xcvbitmanip_xcvbi_xcvelw_"
                        "xcvhwlp",
                    config);
    bench.load(0, images.get(row.at("id"), zfinx));
    bench.run(2000000, false);
    const std::string key = row.at("id") + "," + row.at("zfinx") + "," + row.at("fpu_addmul_lat") +
                            "," + row.at("fpu_others_lat");
    const auto cycles = std::stoull(row.at("cycles"));
    const auto instructions = std::stoull(row.at("instructions"));
    if (bench.exit_status() == 0u && bench.marker_cycles() == cycles &&
        bench.marker_instructions() == instructions) {
      ++equal;
      continue;
    }
    different.insert(key);
    if (kKnownDifferences.count(key) == 0) {
      ++unexplained;
      std::cerr << key << ": RTL " << cycles << " cycles " << instructions
                << " instructions, model " << bench.marker_cycles() << " "
                << bench.marker_instructions() << " (" << row.at("description") << ") "
                << bench.core().error() << "\n";
    }
  }
  INFO(equal << " of " << rows.size() << " rows equal");
  CHECK(unexplained == 0);
  CHECK(static_cast<double>(equal) >= 0.97 * static_cast<double>(rows.size()));
  for (const auto& [key, reason] : kKnownDifferences) {
    INFO(key << ": " << reason);
    CHECK(different.count(key) == 1);  // a row that is right now must leave the list
  }
}
