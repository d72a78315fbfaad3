// SPDX-License-Identifier: Apache-2.0
#include "tests/support/core_kernels.h"

#include <algorithm>

#include "tests/support/content_name.h"
#include "tests/support/shared_data.h"
#include "tests/support/toolchain.h"

namespace etude::test {
namespace {

constexpr std::size_t kRoom = 0x8000;

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

std::string CoreKernels::march(bool zfinx) {
  return std::string(zfinx ? "rv32imc_zfinx" : "rv32imfc") +
         "_zicsr_zifencei_xcvmem_xcvmac_xcvsimd_xcvalu_xcvbitmanip_xcvbi_xcvelw";
}

CoreKernels::CoreKernels(const std::filesystem::path& sources, const std::set<std::string>& ids,
                         bool zfinx) {
  if (ids.empty()) {
    return;
  }
  // The start-up code goes into every section; its assembler macros are defined once.
  std::string common = text_of(sources / "common.h");
  replace_all(common, "\n.text\n", "\n");
  const std::size_t first_macro = common.find(".macro");
  const std::size_t behind_macros = common.rfind(".endm") + 5;
  const std::string macros = common.substr(first_macro, behind_macros - first_macro);
  common.erase(first_macro, behind_macros - first_macro);
  std::string all = macros + "\n";
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
  }
  // Absolute addresses in them are those of a program alone: each is linked for itself.
  const std::string script =
      "for n in $(seq 0 " + std::to_string(ids.size() - 1) + "); do\n" +
      "printf 'SECTIONS { .k 0 : { *(.k%s) } /DISCARD/ : { *(.k*) } }' $n > k.ld &&\n" +
      "ld.lld-19 -T k.ld --oformat binary -o k.bin all.o && truncate -s " + std::to_string(kRoom) +
      " k.bin && cat k.bin >> all.bin || exit 1\ndone\n";
  const std::filesystem::path image =
      binary_dir() /
      ("core_kernels-" + content_name(common + all + script + march(zfinx)) + ".bin");
  if (!std::filesystem::exists(image)) {
    const TempDir folder;
    write_text(folder / "startup.h", common);
    write_text(folder / "all.S", all);
    write_text(folder / "link.sh", script);
    const std::string dir = (folder / "").string();
    capture("cd " + dir + " && clang-19 --target=riscv32 -mabi=ilp32 -march=" + march(zfinx) +
            (zfinx ? " -DZFINX=1" : "") + " -I. -c all.S -o all.o && sh link.sh && cp all.bin " +
            partial_name(image) + " && mv " + partial_name(image) + " " + image.string());
  }
  bytes_ = read_bytes(image);
}

std::vector<std::uint8_t> CoreKernels::get(const std::string& id) const {
  const std::size_t from = index_.at(id) * kRoom;
  const std::size_t to = std::min(bytes_.size(), from + kRoom);
  return {bytes_.begin() + static_cast<std::ptrdiff_t>(from),
          bytes_.begin() + static_cast<std::ptrdiff_t>(to)};
}

}  // namespace etude::test
