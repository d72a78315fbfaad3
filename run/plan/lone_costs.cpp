// SPDX-License-Identifier: Apache-2.0
#include "run/plan/lone_costs.h"

#include <algorithm>
#include <utility>

#include "sim/config/json_file.h"
#include "sim/config/load.h"

namespace etude::run {
namespace {

/// Shapes that go to the database at once.
constexpr std::size_t kBatch = 32;

}  // namespace

ProgramShapes shapes_of(const TaskList& tasks) {
  ProgramShapes found;
  std::unordered_map<std::string, std::uint32_t> numbers;
  for (const Operation& operation : tasks.operations) {
    std::uint32_t number = ProgramShapes::kNone;
    if (operation.posted()) {
      LoneOperation lone = lone_operation(operation);
      const auto [known, fresh] =
          numbers.emplace(lone.key, static_cast<std::uint32_t>(found.shapes.size()));
      number = known->second;
      if (fresh) {
        found.shapes.push_back(std::move(lone));
      }
    }
    found.of.push_back(number);
  }
  return found;
}

LoneCostSource::LoneCostSource(const std::filesystem::path& database, PassMeter meter)
    : file_(database), meter_(std::move(meter)) {}

std::string LoneCostSource::hardware_of(const PlatformConfig& platform, LoneClass of) {
  return content_hash(resolved_platform(lone_platform(platform, of)));
}

/// Fills in what is in memory or in the database.
void LoneCostSource::take_known(const std::string& hardware, const ProgramShapes& shapes,
                                LoneClass of, ProgramCosts& costs) {
  const std::lock_guard<std::mutex> locked(mutex_);
  Known& known = known_[hardware];
  std::vector<std::string> unknown;
  for (const LoneOperation& shape : shapes.shapes) {
    if (shape.of == of && !known.contains(shape.key)) {
      unknown.push_back(shape.key);
    }
  }
  if (!unknown.empty()) {
    if (!database_) {
      database_.emplace(file_);
    }
    for (auto& [key, found] : database_->find(hardware, unknown)) {
      known.emplace(key, std::make_shared<const LoneCosts>(std::move(found)));
    }
  }
  for (std::size_t i = 0; i < shapes.shapes.size(); ++i) {
    const auto row = known.find(shapes.shapes[i].key);
    if (shapes.shapes[i].of == of && row != known.end()) {
      costs.shapes[i] = row->second;
    }
  }
}

ProgramCosts LoneCostSource::of(const ProgramShapes& shapes, const PlatformConfig& platform) {
  ProgramCosts costs;
  costs.shapes.resize(shapes.shapes.size());
  costs.contention = contention_;
  for (unsigned c = 0; c < kLoneClasses; ++c) {
    const auto of = static_cast<LoneClass>(c);
    if (std::ranges::none_of(shapes.shapes, [of](const auto& shape) { return shape.of == of; })) {
      continue;
    }
    const std::string hardware = hardware_of(platform, of);
    take_known(hardware, shapes, of, costs);
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < shapes.shapes.size(); ++i) {
      if (shapes.shapes[i].of == of && costs.shapes[i] == nullptr) {
        missing.push_back(i);
      }
    }
    for (std::size_t first = 0; first < missing.size(); first += kBatch) {
      const std::size_t last = std::min(missing.size(), first + kBatch);
      LoneDatabase::Rows fresh;
      for (std::size_t i = first; i < last; ++i) {
        // Each on a platform of its own: what it takes must not follow from what was there before.
        const LoneOperation& shape = shapes.shapes[missing[i]];
        const LoneBench bench(platform, of, shape);
        LoneCosts found = bench.costs(meter_([&bench] { return bench.message(); }));
        costs.shapes[missing[i]] = std::make_shared<const LoneCosts>(found);
        fresh.emplace(shape.key, std::move(found));
      }
      const std::lock_guard<std::mutex> locked(mutex_);
      database_->add(hardware, fresh);
      for (std::size_t i = first; i < last; ++i) {
        known_[hardware].emplace(shapes.shapes[missing[i]].key, costs.shapes[missing[i]]);
      }
      costs.measured += fresh.size();
    }
  }
  return costs;
}

}  // namespace etude::run
