// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <systemc>

#include "models/base/error.h"
#include "models/dma/dma_bench.h"
#include "run/bench/replay.h"

namespace etude::run {
namespace {

constexpr unsigned kCores = 9;
constexpr std::size_t kTcdmBytes = 1u << 20;
constexpr std::size_t kMemoryBytes = 1u << 20;
constexpr std::uint64_t kCycleLimit = 10'000'000;

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw UserError(where, what,
                  "columns dma,LR,LW,gap,transfers,launched,done are needed, with transfers as "
                  "core:R|W bytes@L1/external[e row+stride][t row+stride]");
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) {
    if (!part.empty()) {
      parts.push_back(part);
    }
  }
  return parts;
}

std::int64_t number(const std::string& where, const std::string& text, std::int64_t low,
                    std::int64_t high) {
  try {
    std::size_t used = 0;
    const std::int64_t value = std::stoll(text, &used);
    if (used == text.size() && value >= low && value <= high) {
      return value;
    }
  } catch (const std::exception&) {
    // falls through to the refusal
  }
  refuse(where, "'" + text + "' is not a number from " + std::to_string(low) + " to " +
                    std::to_string(high));
}

// Highest byte that a side of a transfer touches, plus one.
std::uint64_t end_of(std::uint64_t base, std::uint64_t bytes, std::uint64_t row,
                     std::uint64_t stride) {
  return row == 0 ? base + bytes : base + (bytes - 1) / row * stride + row;
}

DmaBenchTransfer read_transfer(const std::string& where, const std::string& text, bool idma) {
  static const std::regex form(
      R"(([0-9]+):([RW])([0-9]+)@([0-9]+)/([0-9]+)(e([0-9]+)\+([0-9]+))?(t([0-9]+)\+([0-9]+))?)");
  std::smatch found;
  if (!std::regex_match(text, found, form)) {
    refuse(where, "'" + text + "' is not a transfer");
  }
  const auto field = [&](std::size_t i, std::int64_t low, std::int64_t high) {
    return static_cast<std::uint32_t>(found[i].matched ? number(where, found[i].str(), low, high)
                                                       : 0);
  };
  DmaBenchTransfer t;
  t.core = field(1, 0, kCores - 1);
  t.to_l1 = found[2].str() == "R";
  t.bytes = field(3, 1, 131072);
  t.l1 = field(4, 0, kTcdmBytes - 1);
  t.ext = field(5, 0, kMemoryBytes - 1);
  t.ext_row_bytes = field(7, 1, 65536);
  t.ext_stride = field(8, 1, 65536);
  t.l1_row_bytes = field(10, 1, 65536);
  t.l1_stride = field(11, 1, 65536);
  if (end_of(t.l1, t.bytes, t.l1_row_bytes, t.l1_stride) + 8 > kTcdmBytes ||
      end_of(t.ext, t.bytes, t.ext_row_bytes, t.ext_stride) + 8 > kMemoryBytes) {
    refuse(where, "'" + text + "' ends above 1 MiB");
  }
  if (idma) {
    const std::uint32_t row = t.ext_row_bytes != 0 ? t.ext_row_bytes : t.l1_row_bytes;
    if ((row != 0 && t.bytes % row != 0) ||
        (t.ext_row_bytes != 0 && t.l1_row_bytes != 0 && t.ext_row_bytes != t.l1_row_bytes)) {
      refuse(where, "'" + text + "' has rows that the iDMA cannot describe");
    }
  }
  return t;
}

}  // namespace

DmaReplay replay_dma(const std::string& file) {
  std::error_code ignored;
  std::ifstream in;
  if (std::filesystem::is_regular_file(file, ignored)) {  // a pipe would be waited for
    in.open(file);
  }
  if (!in.is_open()) {
    throw UserError(file, "cannot be read", "give a CSV file of DMA transfers");
  }
  std::string line;
  std::getline(in, line);
  std::map<std::string, std::size_t> column;
  const auto cells_of = [](std::string text) {
    text.erase(std::remove(text.begin(), text.end(), '\r'), text.end());
    std::vector<std::string> cells;
    std::istringstream stream(text);
    for (std::string cell; std::getline(stream, cell, ',');) {
      cells.push_back(cell);
    }
    return cells;
  };
  for (const std::string& name : cells_of(line)) {
    column.emplace(name, column.size());
  }
  for (const char* name : {"dma", "LR", "LW", "gap", "transfers", "launched", "done"}) {
    if (!column.contains(name)) {
      refuse(file + ":1", std::string("column '") + name + "' is missing");
    }
  }
  DmaReplay result;
  for (std::size_t at = 2; std::getline(in, line); ++at) {
    const std::string where = file + ":" + std::to_string(at);
    const auto cells = cells_of(line);
    if (cells.empty()) {
      continue;
    }
    if (cells.size() < column.size()) {
      refuse(where, "the line has too few columns");
    }
    const auto cell = [&](const char* name) -> const std::string& {
      return cells[column.at(name)];
    };
    const std::string& engine = cell("dma");
    if (engine != "mchan" && engine != "idma") {
      refuse(where, "'" + engine + "' is neither mchan nor idma");
    }
    DmaBench bench;
    bench.engine = engine == "mchan" ? DmaConfig::Engine::kMchan : DmaConfig::Engine::kIdma;
    bench.gap = static_cast<unsigned>(number(where, cell("gap"), 0, 1000));
    const auto latency = [&](const char* name) {
      return static_cast<unsigned>(number(where, cell(name), 1, 10000));
    };
    FixedLatencyMemory memory(kMemoryBytes, latency("LR"), latency("LW"));
    bench.tcdm.resize(kTcdmBytes);
    for (const std::string& text : split(cell("transfers"), ' ')) {
      bench.transfers.push_back(read_transfer(where, text, engine == "idma"));
    }
    const auto launched = split(cell("launched"), ';');
    const auto done = split(cell("done"), ';');
    if (bench.transfers.empty() || launched.size() != bench.transfers.size() ||
        done.size() != bench.transfers.size()) {
      refuse(where, "launched and done need one number per transfer");
    }
    DmaConfig config;
    config.engine = bench.engine;
    const auto dma = make_dma(sc_core::sc_gen_unique_name("dma"), config, kCores, memory);
    bench.run(*dma, kCycleLimit);

    DmaReplayEngine& books = result.by_engine[engine];
    const auto start = static_cast<std::int64_t>(bench.transfers[0].launched);
    for (std::size_t i = 0; i < bench.transfers.size(); ++i) {
      const DmaBenchTransfer& t = bench.transfers[i];
      const auto error = [&](std::uint64_t mine, const std::string& theirs) {
        return std::abs(static_cast<std::int64_t>(mine) - start -
                        number(where, theirs, -1'000'000, 1'000'000'000));
      };
      const std::int64_t off = std::max(error(t.launched, launched[i]), error(t.done, done[i]));
      ++books.completions;
      books.different += off != 0 ? 1 : 0;
      books.max_error = std::max(books.max_error, off);
      if (off != 0 && result.differences.size() < 20) {
        result.differences.push_back(where + " transfer " + std::to_string(i) + ": launched " +
                                     std::to_string(t.launched - start) + ", done " +
                                     std::to_string(t.done - start) + "; recorded " + launched[i] +
                                     ", " + done[i]);
      }
    }
  }
  if (result.by_engine.empty()) {
    refuse(file, "holds no transfer");
  }
  return result;
}

}  // namespace etude::run
