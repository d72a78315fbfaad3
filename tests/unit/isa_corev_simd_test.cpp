// SPDX-License-Identifier: Apache-2.0
// Packed SIMD of CORE-V, element by element as the CV32E40P user manual v2 describes it, on drawn
// operands: vector, .sc and .sci forms of both element sizes.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "models/iss/isa/decode.h"
#include "models/iss/isa/execute.h"
#include "tests/support/corev_words.h"

using namespace etude;

namespace {

using Element = std::int64_t;

// An operation on elements that were read signed or unsigned; `bits` is their size.
struct Operation {
  const char* name;
  bool is_unsigned;
  std::function<Element(Element a, Element b, unsigned bits)> value;
};

Element wrap(Element value, unsigned bits, bool is_unsigned) {
  const Element mask = (Element{1} << bits) - 1;
  value &= mask;
  return !is_unsigned && (value >> (bits - 1)) != 0 ? value - mask - 1 : value;
}

const std::vector<Operation> kOperations = {
    {"add", false, [](Element a, Element b, unsigned) { return a + b; }},
    {"sub", false, [](Element a, Element b, unsigned) { return a - b; }},
    {"avg", false, [](Element a, Element b, unsigned n) { return wrap(a + b, n, false) >> 1; }},
    {"avgu", true, [](Element a, Element b, unsigned n) { return wrap(a + b, n, true) >> 1; }},
    {"min", false, [](Element a, Element b, unsigned) { return a < b ? a : b; }},
    {"minu", true, [](Element a, Element b, unsigned) { return a < b ? a : b; }},
    {"max", false, [](Element a, Element b, unsigned) { return a > b ? a : b; }},
    {"maxu", true, [](Element a, Element b, unsigned) { return a > b ? a : b; }},
    {"srl", true, [](Element a, Element b, unsigned n) { return a >> (b & (n - 1)); }},
    {"sra", false, [](Element a, Element b, unsigned n) { return a >> (b & (n - 1)); }},
    {"sll", true, [](Element a, Element b, unsigned n) { return a << (b & (n - 1)); }},
    {"or", true, [](Element a, Element b, unsigned) { return a | b; }},
    {"xor", true, [](Element a, Element b, unsigned) { return a ^ b; }},
    {"and", true, [](Element a, Element b, unsigned) { return a & b; }},
    {"cmpeq", false, [](Element a, Element b, unsigned) { return a == b ? -1 : 0; }},
    {"cmpne", false, [](Element a, Element b, unsigned) { return a != b ? -1 : 0; }},
    {"cmpgt", false, [](Element a, Element b, unsigned) { return a > b ? -1 : 0; }},
    {"cmpge", false, [](Element a, Element b, unsigned) { return a >= b ? -1 : 0; }},
    {"cmplt", false, [](Element a, Element b, unsigned) { return a < b ? -1 : 0; }},
    {"cmple", false, [](Element a, Element b, unsigned) { return a <= b ? -1 : 0; }},
    {"cmpgtu", true, [](Element a, Element b, unsigned) { return a > b ? -1 : 0; }},
    {"cmpgeu", true, [](Element a, Element b, unsigned) { return a >= b ? -1 : 0; }},
    {"cmpltu", true, [](Element a, Element b, unsigned) { return a < b ? -1 : 0; }},
    {"cmpleu", true, [](Element a, Element b, unsigned) { return a <= b ? -1 : 0; }},
};

// Logic and shifts take their immediate as the table says: shifts zero-extend it, logic does not.
bool immediate_is_unsigned(const std::string& name, bool is_unsigned) {
  if (name == "or" || name == "xor" || name == "and") {
    return false;
  }
  return is_unsigned || name == "sra";
}

struct Form {
  const Operation* operation;
  unsigned bits;
  int mode;  // 0 vector, 1 .sc, 2 .sci
  int immediate;
};

Element element(std::uint32_t word, unsigned k, unsigned bits, bool is_unsigned) {
  return wrap(word >> (k * bits), bits, is_unsigned);
}

std::uint32_t expected(const Form& form, std::uint32_t a, std::uint32_t b) {
  std::uint32_t result = 0;
  const bool is_unsigned = form.operation->is_unsigned;
  for (unsigned k = 0; k < 32 / form.bits; ++k) {
    Element second = 0;
    if (form.mode == 2) {
      second = wrap(form.immediate, form.bits, is_unsigned);
    } else {
      second = element(b, form.mode == 1 ? 0 : k, form.bits, is_unsigned);
    }
    const Element value =
        form.operation->value(element(a, k, form.bits, is_unsigned), second, form.bits);
    const auto cut = static_cast<std::uint32_t>(wrap(value, form.bits, true));
    result |= cut << (k * form.bits);
  }
  return result;
}

}  // namespace

TEST_CASE("SIMD instructions work on each element as the manual says, in all operand modes") {
  const IsaConfig isa = test::corev_isa();
  std::mt19937 generator(7);
  const auto draw = [&generator] { return static_cast<std::uint32_t>(generator()); };
  std::vector<std::string> lines;
  std::vector<Form> forms;
  for (const Operation& operation : kOperations) {
    for (const unsigned bits : {16u, 8u}) {
      const std::string size = bits == 16 ? ".h" : ".b";
      const std::string name = std::string("cv.") + operation.name;
      lines.push_back(name + size + " a0, a1, a2");
      forms.push_back({&operation, bits, 0, 0});
      lines.push_back(name + ".sc" + size + " a0, a1, a2");
      forms.push_back({&operation, bits, 1, 0});
      for (unsigned n = 0; n < 4; ++n) {
        const bool shift = name.starts_with("cv.s") && name != "cv.sub";
        const bool zero_extend = immediate_is_unsigned(operation.name, operation.is_unsigned);
        const int range = shift ? static_cast<int>(bits) : 64;
        const int imm = static_cast<int>(draw()) & (range - 1);
        const int value = zero_extend || imm < 32 ? imm : imm - 64;
        lines.push_back(name + ".sci" + size + " a0, a1, " + std::to_string(value));
        forms.push_back({&operation, bits, 2, value});
      }
    }
  }
  const auto words = test::corev_words(lines);
  REQUIRE(words.size() == lines.size());
  for (std::size_t n = 0; n < words.size(); ++n) {
    const Instr instr = decode(words[n], isa);
    REQUIRE(instr.run != nullptr);
    for (unsigned round = 0; round < 50; ++round) {
      ArchState state(isa, CsrMap::kStandard, 0);
      // Equal elements and small values occur often enough for the comparisons.
      const std::uint32_t a = round % 3 == 0 ? draw() & 0x81818181u : draw();
      const std::uint32_t b = round % 3 == 1 ? a ^ (draw() & 0x00ff00ffu) : draw() & 0x8f8f8f8fu;
      state.r[11] = a;
      state.r[12] = b;
      execute(instr, state);
      const std::uint32_t value = expected(forms[n], a, b);
      if (state.x(10) != value) {
        INFO(lines[n] << std::hex << " on " << a << ' ' << b);
        REQUIRE(state.x(10) == value);
      }
    }
  }
}

TEST_CASE("packed absolute values wrap at the most negative element") {
  const IsaConfig isa = test::corev_isa();
  const auto words = test::corev_words({"cv.abs.h a0, a1", "cv.abs.b a0, a1"});
  ArchState state(isa, CsrMap::kStandard, 0);
  state.r[11] = 0x8000fffe;
  execute(decode(words[0], isa), state);
  CHECK(state.x(10) == 0x80000002);
  state.r[11] = 0x80ff017f;
  execute(decode(words[1], isa), state);
  CHECK(state.x(10) == 0x8001017f);
}

TEST_CASE("sign injection of binary16 in x registers follows its definition") {
  const IsaConfig isa = test::corev_isa();
  const auto words =
      test::corev_words({"fsgnj.h a0, a1, a2", "fsgnjn.h a0, a1, a2", "fsgnjx.h a0, a1, a2"});
  for (const std::uint32_t a : {0x12343c00u, 0xffffbc00u, 0x00007c01u}) {
    for (const std::uint32_t b : {0xabcd0000u, 0x00008000u}) {
      const std::uint32_t signs[3] = {b & 0x8000u, ~b & 0x8000u, (a ^ b) & 0x8000u};
      for (unsigned n = 0; n < 3; ++n) {
        ArchState state(isa, CsrMap::kStandard, 0);
        state.r[11] = a;
        state.r[12] = b;
        execute(decode(words[n], isa), state);
        // The result fills the upper half with its sign.
        const std::uint32_t low = signs[n] | (a & 0x7fffu);
        CHECK(state.x(10) == (signs[n] != 0 ? 0xffff0000u | low : low));
      }
    }
  }
}
