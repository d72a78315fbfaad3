// SPDX-License-Identifier: Apache-2.0
#include "sim/debug/gdb_registers.h"

#include <cctype>

#include "models/iss/core/core.h"
#include "models/iss/isa/csr_names.h"
#include "sim/debug/packet_reader.h"

namespace etude::gdb_registers {
namespace {

constexpr const char* kNames[] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                  "s0",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                  "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                  "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
constexpr const char* kFloatNames[] = {"ft0", "ft1", "ft2",  "ft3",  "ft4", "ft5", "ft6",  "ft7",
                                       "fs0", "fs1", "fa0",  "fa1",  "fa2", "fa3", "fa4",  "fa5",
                                       "fa6", "fa7", "fs2",  "fs3",  "fs4", "fs5", "fs6",  "fs7",
                                       "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};
constexpr const char* kLoopNames[] = {"lpstart0", "lpend0", "lpcount0", "",
                                      "lpstart1", "lpend1", "lpcount1"};

bool has_floats(const DebugTarget& target) { return target.hart(0).state().has_f; }
bool is_fp_csr(std::uint32_t number) { return number >= 1 && number <= 3; }

// FP registers of status exist while the FPU is off, too.
bool exists(const DebugTarget& target, std::uint32_t number) {
  return is_fp_csr(number) ? target.hart(0).state().isa.fp() : target.csr(0, number).has_value();
}

// Empty: none that has a name.
std::string name_of(std::uint32_t number) {
  if (number >= 0xCC0 && number < 0xCC7) {
    return kLoopNames[number - 0xCC0];
  }
  std::string name = isa::csr_name(number);
  return std::isdigit(static_cast<unsigned char>(name[0])) != 0 ? "" : name;
}

std::string reg(const std::string& name, std::uint32_t number, const char* more) {
  return "<reg name=\"" + name + "\" bitsize=\"32\" regnum=\"" + std::to_string(number) + "\" " +
         more + "/>\n";
}

std::string word(std::uint32_t value) {
  const char bytes[] = {static_cast<char>(value), static_cast<char>(value >> 8),
                        static_cast<char>(value >> 16), static_cast<char>(value >> 24)};
  return to_hex({bytes, sizeof bytes});
}

}  // namespace

std::string target_xml(const DebugTarget& target) {
  std::string text =
      "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target "
      "version=\"1.0\">\n<architecture>riscv:rv32</architecture>\n"
      "<feature name=\"org.gnu.gdb.riscv.cpu\">\n";
  for (std::uint32_t n = 0; n < 32; ++n) {
    const bool pointer = n == 2 || n == 3 || n == 4;
    text += reg(kNames[n], n,
                n == 1    ? "type=\"code_ptr\""
                : pointer ? "type=\"data_ptr\""
                          : "type=\"int\"");
  }
  text += reg("pc", kPc, "type=\"code_ptr\"") + "</feature>\n";
  if (has_floats(target)) {
    text += "<feature name=\"org.gnu.gdb.riscv.fpu\">\n";
    for (std::uint32_t n = 0; n < 32; ++n) {
      text += reg(kFloatNames[n], kFloats + n, "type=\"ieee_single\" group=\"float\"");
    }
    for (std::uint32_t number = 1; number <= 3; ++number) {
      text += reg(name_of(number), kCsrs + number, "type=\"int\" group=\"float\"");
    }
    text += "</feature>\n";
  }
  text += "<feature name=\"org.gnu.gdb.riscv.csr\">\n";
  for (std::uint32_t number = 0; number < 4096; ++number) {
    if (exists(target, number) && !(is_fp_csr(number) && has_floats(target)) &&
        !name_of(number).empty()) {
      text +=
          reg(name_of(number), kCsrs + number, "type=\"int\" group=\"csr\" save-restore=\"no\"");
    }
  }
  return text + "</feature>\n</target>\n";
}

unsigned count_of_all(const DebugTarget& target) { return has_floats(target) ? kCsrs : kFloats; }

std::string all(const DebugTarget& target, unsigned hart, std::uint32_t pc) {
  std::string text;
  for (unsigned n = 0; n < count_of_all(target); ++n) {
    text += one(target, hart, n, pc);
  }
  return text;
}

std::string one(const DebugTarget& target, unsigned hart, std::uint64_t number, std::uint32_t pc) {
  const Core& core = target.hart(hart);
  if (number < kPc) {
    return word(core.state().x(static_cast<unsigned>(number)));
  }
  if (number == kPc) {
    return word(pc);
  }
  if (number < kCsrs) {
    return has_floats(target) ? word(core.state().f(static_cast<unsigned>(number - kFloats))) : "";
  }
  if (number >= kCsrs + 4096 || !exists(target, static_cast<std::uint32_t>(number - kCsrs))) {
    return "";
  }
  const auto value = target.csr(hart, static_cast<std::uint32_t>(number - kCsrs));
  return value ? word(*value) : "xxxxxxxx";
}

bool write(DebugTarget& target, unsigned hart, std::uint64_t number, std::uint32_t value) {
  if (number == 0) {
    return true;  // x0 stays 0
  }
  if (number < kPc) {
    return target.set_register(hart, static_cast<unsigned>(number), value);
  }
  if (number == kPc) {
    return target.set_pc(hart, value);
  }
  if (number < kCsrs) {
    return has_floats(target) &&
           target.set_register(hart, static_cast<unsigned>(number - kFloats + 32), value);
  }
  return number < kCsrs + 4096 &&
         target.set_csr(hart, static_cast<std::uint32_t>(number - kCsrs), value);
}

}  // namespace etude::gdb_registers
