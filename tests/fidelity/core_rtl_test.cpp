// SPDX-License-Identifier: Apache-2.0
// Every micro-kernel of the core's RTL measurements, assembled and run on one core with ideal
// memories: the cycles between its two markers are equal, or the row stands in the list of known
// differences with its reason.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
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

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

/// Flat images of the kernels, all of one ISA in one assembly, each in a section of its own that is
/// linked at a multiple of kRoom; kept in the build folder by content.
class Images {
 public:
  Images(const std::filesystem::path& sources, const std::set<std::string>& ids, bool zfinx) {
    const std::string march = std::string(zfinx ? "rv32imc_zfinx" : "rv32imfc") +
                              "_zicsr_zifencei_xcvmem_xcvmac_xcvsimd_xcvalu_xcvbitmanip_xcvbi_"
                              "xcvelw";
    // The start-up code goes into every section; its assembler macros are defined once.
    std::string common = text_of(sources / "common.h");
    replace_all(common, "\n.text\n", "\n");
    const std::size_t first_macro = common.find(".macro");
    const std::size_t behind_macros = common.rfind(".endm") + 5;
    const std::string macros = common.substr(first_macro, behind_macros - first_macro);
    common.erase(first_macro, behind_macros - first_macro);
    std::string all = macros + "\n";
    std::string script = "SECTIONS {\n";
    for (const std::string& id : ids) {
      const std::string n = std::to_string(index_.size());
      index_[id] = index_.size();
      std::string source = text_of(sources / (id + ".S"));
      replace_all(source, "#include \"common.h\"", "#include \"startup.h\"");
      all += "#undef FP\n";
      for (const std::string name : {"_start", "trap_", "body_", "fn_"}) {
        all += "#undef " + name + "\n#define " + name + " " + name + n + "\n";
      }
      all += ".section .k" + n + ",\"ax\"\n" + source + "\n";
      script += ".k" + n + " " + std::to_string(index_[id] * kRoom) + " : { *(.k" + n + ") }\n";
    }
    script += "}\n";
    std::ostringstream name;
    name << "core_micro-" << std::hex << fnv(common + all + script + march) << ".bin";
    const std::filesystem::path image = binary_dir() / name.str();
    if (!std::filesystem::exists(image)) {
      const TempDir folder;
      write_text(folder / "startup.h", common);
      write_text(folder / "all.S", all);
      write_text(folder / "link.ld", script);
      const std::string dir = (folder / "").string();
      capture("cd " + dir + " && clang-19 --target=riscv32 -mabi=ilp32 -march=" + march +
              (zfinx ? " -DZFINX=1" : "") + " -I. -c all.S -o all.o && ld.lld-19 -T link.ld " +
              "--oformat binary -o all.bin all.o && cp all.bin " + image.string() + ".tmp && mv " +
              image.string() + ".tmp " + image.string());
    }
    bytes_ = read_bytes(image);
  }

  std::vector<std::uint8_t> get(const std::string& id) const {
    const std::size_t from = index_.at(id) * kRoom;
    const std::size_t to = std::min(bytes_.size(), from + kRoom);
    return {bytes_.begin() + static_cast<std::ptrdiff_t>(from),
            bytes_.begin() + static_cast<std::ptrdiff_t>(to)};
  }

 private:
  static constexpr std::size_t kRoom = 0x8000;
  std::map<std::string, std::size_t> index_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

TEST_CASE("micro-kernels take the cycles of the RTL", "[core][rtl]") {
  const auto table = shared_file("reference/core_rtl_cycles.csv");
  const auto rows = read_csv(table);
  std::set<std::string> ids[2];
  for (const auto& row : rows) {
    ids[row.at("zfinx") == "1"].insert(row.at("id"));
  }
  const auto sources = table.parent_path() / "core_micro";
  const Images images[2] = {Images(sources, ids[0], false), Images(sources, ids[1], true)};
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
    bench.load(0, images[zfinx].get(row.at("id")));
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
