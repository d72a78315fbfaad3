// SPDX-License-Identifier: Apache-2.0
#include "run/plan/lone_costs.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "sim/config/json_file.h"
#include "sim/config/load.h"

namespace etude::run {
namespace {

/// Shapes that go to the database at once.
constexpr std::size_t kBatch = 32;

}  // namespace

ProgramCosts costs_of_program(const Program& program, const PlatformConfig& platform,
                              LoneDatabase& database, const PassMeter& meter) {
  ProgramCosts costs;
  std::unordered_map<std::string, std::uint32_t> numbers;
  std::vector<LoneOperation> shapes;
  for (const Operation& operation : program.tasks.operations) {
    std::uint32_t number = ProgramCosts::kNone;
    if (operation.posted()) {
      LoneOperation lone = lone_operation(operation);
      const auto [known, fresh] =
          numbers.emplace(lone.key, static_cast<std::uint32_t>(shapes.size()));
      number = known->second;
      if (fresh) {
        shapes.push_back(std::move(lone));
      }
    }
    costs.of.push_back(number);
  }
  costs.shapes.resize(shapes.size());
  for (unsigned c = 0; c < kLoneClasses; ++c) {
    const auto of = static_cast<LoneClass>(c);
    const std::string hardware = content_hash(resolved_platform(lone_platform(platform, of)));
    std::vector<std::string> keys;
    for (const LoneOperation& shape : shapes) {
      if (shape.of == of) {
        keys.push_back(shape.key);
      }
    }
    if (keys.empty()) {
      continue;
    }
    const LoneDatabase::Rows rows = database.find(hardware, keys);
    std::vector<LoneOperation> missing;
    std::vector<std::uint32_t> missing_number;
    for (std::uint32_t i = 0; i < shapes.size(); ++i) {
      if (shapes[i].of != of) {
        continue;
      }
      if (const auto row = rows.find(shapes[i].key); row != rows.end()) {
        costs.shapes[i] = row->second;
      } else {
        missing.push_back(shapes[i]);
        missing_number.push_back(i);
      }
    }
    for (std::size_t first = 0; first < missing.size(); first += kBatch) {
      const std::size_t last = std::min(missing.size(), first + kBatch);
      LoneDatabase::Rows fresh;
      for (std::size_t i = first; i < last; ++i) {
        // Each on a platform of its own: what it takes must not follow from what was there before.
        const LoneBench bench(platform, of, missing[i]);
        LoneCosts found = bench.costs(meter([&bench] { return bench.message(); }));
        fresh.emplace(missing[i].key, found);
        costs.shapes[missing_number[i]] = std::move(found);
      }
      database.add(hardware, fresh);
      costs.measured += fresh.size();
    }
  }
  return costs;
}

}  // namespace etude::run
