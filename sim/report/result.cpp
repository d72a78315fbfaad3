// SPDX-License-Identifier: Apache-2.0
#include "sim/report/result.h"

#include <cmath>

#include "sim/config/load.h"
#include "sim/energy/area.h"
#include "sim/energy/events.h"
#include "sim/report/assumptions.h"
#include "sim/report/memory_json.h"
#include "sim/report/wear.h"

namespace etude {
namespace {

constexpr double kGiga = 1e-9;  // a number in units of 1e9

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

const char* status_name(Coefficient::Status status) {
  switch (status) {
    case Coefficient::Status::kMeasured:
      return "measured";
    case Coefficient::Status::kDerived:
      return "derived";
    case Coefficient::Status::kAssumed:
      return "assumed";
  }
  return "";
}

Json energy_json(const EnergyBill& bill) {
  Json energy = Json::object();
  for (const std::string& component : energy_components()) {
    energy[component] = bill.component.at(component);
  }
  energy["total"] = bill.total;
  return energy;
}

Json bill_json(const EnergyBill& bill) {
  Json terms = Json::array();
  for (const EnergyTerm& term : bill.terms) {
    if (term.count != 0) {
      terms.push_back({{"component", term.component},
                       {"coefficient", term.coefficient},
                       {"count", term.count},
                       {"each_pj", term.each.raw()},
                       {"energy_j", term.joules},
                       {"low_j", term.joules_low},
                       {"high_j", term.joules_high},
                       {"status", status_name(term.status)},
                       {"source", term.source}});
    }
  }
  return {{"terms", terms},
          {"dynamic_j", bill.dynamic},
          {"leakage_j", bill.leakage},
          {"background_j", bill.background},
          {"total_low_j", bill.total_low},
          {"total_high_j", bill.total_high}};
}

/// mm2 of each part of the cluster, of the cluster, of L2 and of both.
Json area_json(const AreaBill& bill) {
  Json area = Json::object();
  for (const std::string& part : area_parts()) {
    area[part] = bill.part.at(part);
  }
  area["cluster"] = bill.cluster;
  area["l2"] = bill.part.at("l2");
  area["total"] = bill.total;
  return area;
}

/// The mark of each part, and every term with its source.
Json area_bill_json(const AreaBill& bill) {
  Json marks = Json::object();
  for (const std::string& part : area_parts()) {
    marks[part] = status_name(bill.mark.at(part));
  }
  marks["l2"] = status_name(bill.mark.at("l2"));
  Json terms = Json::array();
  for (const AreaTerm& term : bill.terms) {
    terms.push_back({{"part", term.part},
                     {"coefficient", term.coefficient},
                     {"count", term.count},
                     {"mm2", term.mm2},
                     {"status", status_name(term.status)},
                     {"source", term.source}});
  }
  return {{"marks", marks}, {"terms", terms}};
}

std::vector<Cycle> cycles_of_layers(const StepRecord& step, const RunFacts& facts) {
  std::vector<Cycle> cycles(facts.layers.size());
  for (const OpSegment& segment : step.segments) {
    const std::uint32_t layer = facts.op_layer.at(segment.op);
    cycles.at(layer) += segment.end - segment.begin;
  }
  return cycles;
}

/// Counters that count something, so that a long list of layers stays small.
CounterSnapshot without_zeros(CounterSnapshot counters) {
  std::erase_if(counters, [](const auto& counter) { return counter.second == 0; });
  return counters;
}

Json layers_json(const StepRecord& step, const RunFacts& facts) {
  const std::vector<Cycle> cycles = cycles_of_layers(step, facts);
  Json layers = Json::array();
  for (std::size_t i = 0; i < facts.layers.size(); ++i) {
    const Layer& layer = facts.layers[i];
    const bool counted = i < step.layer_counters.size();
    layers.push_back(
        {{"name", layer.name},
         {"op", layer.op},
         {"phase", layer.phase},
         {"unit", layer.unit},
         {"cycles", cycles[i].raw()},
         {"macs", layer.macs},
         {"energy_j", 0.0},
         {"stalls", counted ? Json(step.layer_stalls[i]) : Json::object()},
         {"counters", counted ? Json(without_zeros(step.layer_counters[i])) : Json::object()}});
  }
  return layers;
}

/// [layer, begin, end] in cycles of the step, neighbours of one layer joined.
Json timeline_json(const StepRecord& step, const RunFacts& facts) {
  Json timeline = Json::array();
  for (const OpSegment& segment : step.segments) {
    const std::uint32_t layer = facts.op_layer.at(segment.op);
    if (!timeline.empty() && timeline.back()[0] == layer &&
        timeline.back()[2] == segment.begin.raw()) {
      timeline.back()[2] = segment.end.raw();
    } else {
      timeline.push_back({layer, segment.begin.raw(), segment.end.raw()});
    }
  }
  return timeline;
}

Json units_json(const StepRecord& step) {
  Json units = Json::object();
  for (const UnitRecord& unit : step.units) {
    units[unit.name] = {{"busy", unit.busy}, {"stalls", unit.stalls}};
  }
  return units;
}

Json step_json(const RootConfig& config, const RunFacts& facts, const StepRecord& step) {
  const double cycles = static_cast<double>(step.cycles.raw());
  const double latency = cycles / config.platform.cluster.clock_hz;
  return {{"cycles", step.cycles.raw()},
          {"latency_s", latency},
          {"energy_j", 0.0},
          {"energy_low_j", 0.0},
          {"energy_high_j", 0.0},
          {"macs", facts.macs},
          {"flop", 2 * facts.macs},
          {"flop_per_cycle", cycles > 0 ? 2.0 * static_cast<double>(facts.macs) / cycles : 0.0},
          {"samples_per_s", latency > 0 ? static_cast<double>(facts.samples) / latency : 0.0},
          {"edp_js", 0.0},
          {"gflops_per_mm2", 0.0}};
}

Json platform_json(const PlatformConfig& platform) {
  const ClusterConfig& cluster = platform.cluster;
  const RedmuleConfig& redmule = cluster.redmule;
  Json array = nullptr;
  if (redmule.enabled) {
    array = {{"height", redmule.height},
             {"width", redmule.width},
             {"pipe", redmule.pipe},
             {"format", redmule.format == RedmuleConfig::Format::kFp32 ? "fp32" : "fp16"}};
  }
  return {{"cores", cluster.cores},
          {"controller", cluster.controller},
          {"clock_hz", cluster.clock_hz},
          {"tcdm_banks", cluster.tcdm.banks},
          {"l1_bytes", cluster.tcdm.size.raw()},
          {"l2_bytes", platform.l2.size.raw()},
          {"l3_bytes", platform.hyperram.size.raw()},
          {"dma", cluster.dma.engine == DmaConfig::Engine::kIdma ? "idma" : "mchan"},
          {"redmule", array}};
}

/// What a step did to the flash, and how long that lasts.
Json wear_of(const PlatformConfig& platform, const StepRecord& step) {
  const auto counted = [&](const char* counter) {
    const auto found = step.counters.find(counter);
    return found == step.counters.end() ? 0 : found->second;
  };
  return wear_json({counted("flash.program_bytes"), counted("flash.pages"),
                    counted("flash.sectors"), counted("flash.most_worn")},
                   platform.flash,
                   static_cast<double>(step.cycles.raw()) / platform.cluster.clock_hz);
}

Json traffic_json(const StepRecord& step) {
  const Activity activity = activity_of(step);
  const auto bytes = [&](const std::vector<std::string>& events) {
    double sum = 0;
    for (const std::string& event : events) {
      sum += count_events(activity, event);
    }
    return static_cast<std::uint64_t>(sum);
  };
  return {{"l2_l1_read", bytes(l2_l1_read())},
          {"l2_l1_write", bytes(l2_l1_write())},
          {"l3_l2_read", bytes(l3_l2_read())},
          {"l3_l2_write", bytes(l3_l2_write())}};
}

Json bounds_json(const PlatformConfig& platform, const RunFacts& facts, const StepRecord& step) {
  Json bounds = Json::array();
  for (const Bound& bound : bounds_of(platform, facts, step)) {
    bounds.push_back(
        {{"resource", bound.resource},
         {"work", bound.work},
         {"cycles", bound.cycles},
         {"share",
          step.cycles.raw() == 0 ? 0.0 : bound.cycles / static_cast<double>(step.cycles.raw())}});
    for (const auto& [part, share] : bound.parts) {
      bounds.back()["parts"][part] = share;
    }
  }
  return bounds;
}

Json check_json(const CheckFacts& check) {
  if (!check.done) {
    return nullptr;
  }
  Json all = {{"reference", check.reference},
              {"max_abs_error", number_or_null(check.max_abs_error)},
              {"max_rel_error", number_or_null(check.max_rel_error)},
              {"error_of_allowed", number_or_null(check.error_of_allowed)},
              {"passed", check.passed},
              {"tensors", check.tensors},
              {"redmule_jobs", check.redmule_jobs},
              {"failures", check.failures}};
  if (check.ties != 0) {
    all["ties"] = check.ties;
  }
  return all;
}

Json simulator_json(const RunRecord& record, const SimulatorFacts& simulator) {
  double instructions = 0;
  for (const std::uint64_t count : record.instructions) {
    instructions += static_cast<double>(count);
  }
  const double seconds = record.engine_seconds;
  return {{"wall_s", simulator.wall_s},
          {"stepped_cycles", record.stepped_cycles},
          {"mcycles_per_s",
           seconds > 0 ? static_cast<double>(record.stepped_cycles) / seconds * 1e-6 : 0.0},
          {"mips", seconds > 0 ? instructions / seconds * 1e-6 : 0.0},
          {"version", simulator.version}};
}

/// A number, or null where there is none.
template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json schedule_json(const ScheduleFacts& schedule) {
  return {{"policy", schedule.policy},
          {"objective", schedule.objective},
          {"budget", or_null(schedule.budget)},
          {"deadline_s", or_null(schedule.deadline_s)},
          {"status", schedule.status.empty() ? Json(nullptr) : Json(schedule.status)},
          {"overhead", or_null(schedule.overhead)},
          {"bound", or_null(schedule.bound)},
          {"gap", or_null(schedule.gap)},
          {"solved", schedule.solved},
          {"predicted",
           {{"cycles", schedule.predicted_cycles}, {"energy_j", schedule.predicted_joules}}},
          {"recomputed", schedule.recomputed},
          {"paged", schedule.paged}};
}

CounterSnapshot counters_of(const Json& json) {
  CounterSnapshot counters;
  for (const auto& item : json.items()) {
    counters[item.key()] = item.value().get<std::uint64_t>();
  }
  return counters;
}
}  // namespace

void price_again(Json& result, const PlatformConfig& platform, const EnergyConfig& table) {
  StepRecord step;
  step.cycles = Cycle{result.at("step").at("cycles").get<std::uint64_t>()};
  step.counters = counters_of(result.at("counters"));
  check_events(step.counters, platform);
  for (const auto& unit : result.at("units").items()) {
    step.units.push_back({unit.key(), unit.value().at("busy").get<std::uint64_t>(),
                          counters_of(unit.value().at("stalls"))});
  }
  const EnergyBill bill = price(activity_of(step), platform, table);
  result["energy"] = energy_json(bill);
  result["energy_bill"] = bill_json(bill);
  result["step"]["energy_j"] = bill.total;
  result["step"]["energy_low_j"] = bill.total_low;
  result["step"]["energy_high_j"] = bill.total_high;
  result["step"]["edp_js"] = bill.total * result["step"]["latency_s"].get<double>();
  for (Json& layer : result.at("layers")) {
    const Activity activity{Cycle{layer.at("cycles").get<std::uint64_t>()},
                            counters_of(layer.at("counters")), counters_of(layer.at("stalls"))};
    layer["energy_j"] = price(activity, platform, table).dynamic;
  }
  const AreaBill area = area_of(platform, table);
  result["area_mm2"] = area.total;
  result["area"] = area_json(area);
  result["area_bill"] = area_bill_json(area);
  const double flop = result["step"].value("flop", 0.0);
  const double latency = result["step"]["latency_s"].get<double>();
  const double work = latency > 0 ? flop / latency * kGiga : 0;
  result["step"]["gflops_per_mm2"] = area.cluster > 0 ? work / area.cluster : 0.0;
  result["assumptions"] = assumptions_of(result, platform);
}

Json make_result(const RootConfig& config, const RunFacts& facts, const RunRecord& record,
                 const TrainingFacts& training, const CheckFacts& check,
                 const SimulatorFacts& simulator) {
  const StepRecord& step = record.steps.back();
  std::vector<std::string> warnings = facts.warnings;
  warnings.insert(warnings.end(), record.warnings.begin(), record.warnings.end());
  const std::vector<double>& losses = training.losses;
  Json steps = Json::array();
  for (std::size_t i = 0; i < record.steps.size(); ++i) {
    const double loss = i < losses.size() ? losses[i] : NAN;
    if (i < losses.size() && !std::isfinite(loss)) {
      warnings.push_back("the loss of step " + std::to_string(i + 1) + " is not finite");
    }
    steps.push_back({{"loss", number_or_null(loss)}, {"cycles", record.steps[i].cycles.raw()}});
  }
  if (training.diverged != 0 && !losses.empty() && std::isfinite(losses.back())) {
    warnings.push_back("weights after step " + std::to_string(training.diverged) +
                       " are not finite");
  }
  if (check.diverged_steps != 0) {
    warnings.push_back(
        "numbers left the range of the format: " + std::to_string(check.diverged_steps) +
        " passes at the end are not compared with float64");
  }
  const Json wear = wear_of(config.platform, step);
  if (const auto warning = wear_warning(wear)) {
    warnings.push_back(*warning);
  }
  Json result = {
      {"schema", 1},
      {"config_hash", config_hash(config)},
      {"title", facts.title},
      {"tier", config.run.tier == RunConfig::Tier::kModel ? "model" : "cycle"},
      {"engine", config.run.engine == RunConfig::Engine::kLockstep ? "lockstep" : "fast"},
      {"platform", platform_json(config.platform)},
      {"step", step_json(config, facts, step)},
      {"energy", nullptr},
      {"energy_bill", nullptr},
      {"assumptions", nullptr},
      {"memory", memory_json(facts.memory)},
      {"traffic", traffic_json(step)},
      {"bounds", bounds_json(config.platform, facts, step)},
      {"layers", layers_json(step, facts)},
      {"timeline", timeline_json(step, facts)},
      {"units", units_json(step)},
      {"check", check_json(check)},
      {"loss", steps.back().at("loss")},
      {"area_mm2", 0.0},
      {"area", nullptr},
      {"area_bill", nullptr},
      {"steps", steps},
      {"warnings", warnings},
      {"setup_cycles", record.cycles.raw()},
      {"counters", step.counters},
      {"simulator", simulator_json(record, simulator)}};
  std::uint64_t stepped = 0;
  for (const StepRecord& each : record.steps) {
    stepped += each.cycles.raw();
  }
  result["setup_cycles"] = record.cycles.raw() - stepped;
  if (!wear.is_null()) {
    result["wear"] = wear;
  }
  if (!facts.loss.empty()) {
    result["loss_function"] = {
        {"name", facts.loss}, {"of", facts.loss_of}, {"why", facts.loss_why}};
  }
  if (training.classified != 0) {
    result["accuracy"] =
        static_cast<double>(training.correct) / static_cast<double>(training.classified);
    result["classified"] = {{"correct", training.correct}, {"samples", training.classified}};
  }
  if (facts.schedule) {
    result["schedule"] = schedule_json(*facts.schedule);
  }
  if (training.diverged != 0) {
    result["diverged"] = training.diverged;
  }
  price_again(result, config.platform, config.energy);
  return result;
}

}  // namespace etude
