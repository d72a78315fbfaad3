// SPDX-License-Identifier: Apache-2.0
#include "models/iss/isa/csr_names.h"

namespace etude::isa {
namespace {

struct Named {
  std::uint32_t number;
  const char* name;
};

constexpr Named kNames[] = {
    {0x001, "fflags"},        {0x002, "frm"},       {0x003, "fcsr"},    {0x300, "mstatus"},
    {0x301, "misa"},          {0x304, "mie"},       {0x305, "mtvec"},   {0x310, "mstatush"},
    {0x320, "mcountinhibit"}, {0x340, "mscratch"},  {0x341, "mepc"},    {0x342, "mcause"},
    {0x343, "mtval"},         {0x344, "mip"},       {0x7a0, "tselect"}, {0x7a1, "tdata1"},
    {0x7a2, "tdata2"},        {0x7a3, "tdata3"},    {0xb00, "mcycle"},  {0xb02, "minstret"},
    {0xb80, "mcycleh"},       {0xb82, "minstreth"}, {0xc00, "cycle"},   {0xc01, "time"},
    {0xc02, "instret"},       {0xc80, "cycleh"},    {0xc81, "timeh"},   {0xc82, "instreth"},
    {0xf11, "mvendorid"},     {0xf12, "marchid"},   {0xf13, "mimpid"},  {0xf14, "mhartid"},
    {0xf15, "mconfigptr"},
};

struct Range {
  std::uint32_t first;
  std::uint32_t last;
  const char* prefix;
  unsigned from;
  const char* suffix;
};

constexpr Range kRanges[] = {
    {0x323, 0x33f, "mhpmevent", 3, ""},    {0x3a0, 0x3a3, "pmpcfg", 0, ""},
    {0x3b0, 0x3bf, "pmpaddr", 0, ""},      {0xb03, 0xb1f, "mhpmcounter", 3, ""},
    {0xb83, 0xb9f, "mhpmcounter", 3, "h"}, {0xc03, 0xc1f, "hpmcounter", 3, ""},
    {0xc83, 0xc9f, "hpmcounter", 3, "h"},
};

}  // namespace

std::string csr_name(std::uint32_t number) {
  for (const Named& row : kNames) {
    if (row.number == number) {
      return row.name;
    }
  }
  for (const Range& row : kRanges) {
    if (number >= row.first && number <= row.last) {
      return row.prefix + std::to_string(row.from + number - row.first) + row.suffix;
    }
  }
  return std::to_string(number);
}

}  // namespace etude::isa
