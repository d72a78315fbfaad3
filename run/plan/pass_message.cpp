// SPDX-License-Identifier: Apache-2.0
#include "run/plan/pass_message.h"

#include <map>
#include <nlohmann/json.hpp>

#include "models/base/error.h"
#include "sim/config/load.h"

namespace etude::run {
namespace {
using Json = nlohmann::json;

Json to_json(const std::vector<OperationSpan>& spans) {
  Json json = Json::array();
  for (const OperationSpan& span : spans) {
    for (const Cycle when : {span.begin, span.end, span.taken_up}) {
      json.push_back(when.raw());
    }
  }
  return json;
}

std::vector<OperationSpan> spans_from(const Json& json) {
  std::vector<OperationSpan> spans;
  const auto at = [&](std::size_t i) { return Cycle{json[i].get<std::uint64_t>()}; };
  for (std::size_t i = 0; i + 2 < json.size(); i += 3) {
    spans.push_back({at(i), at(i + 1), at(i + 2)});
  }
  return spans;
}

}  // namespace

PassMessage::PassMessage(const Plan& plan)
    : platform(plan.config().platform),
      task_list(plan.program().tasks.address),
      images(plan.images()) {
  for (const Operation& operation : plan.program().tasks.operations) {
    if (const auto* transfer = operation.as<Transfer>()) {
      transfers.push_back(
          {static_cast<std::uint32_t>(op_layer.size()), transfer->l1.raw(), transfer->bytes()});
    }
    op_layer.push_back(operation.layer);
    op_unit.push_back(operation.posted() ? static_cast<std::uint8_t>(operation.unit())
                                         : std::uint8_t{255});
  }
}

std::string to_bytes(const PassMessage& message) {
  Json head = {{"platform", resolved_platform(message.platform)},
               {"task_list", message.task_list.raw()},
               {"op_layer", message.op_layer},
               {"op_unit", message.op_unit},
               {"by_layer", message.by_layer},
               {"transfers", Json::array()},
               {"images", Json::array()}};
  for (const PlacedTransfer& transfer : message.transfers) {
    head["transfers"].push_back({transfer.operation, transfer.l1, transfer.bytes});
  }
  for (const MemoryImage& image : message.images) {
    head["images"].push_back({image.base.raw(), image.bytes.size()});
  }
  std::string bytes = head.dump() + "\n";
  for (const MemoryImage& image : message.images) {
    bytes.append(image.bytes.begin(), image.bytes.end());
  }
  return bytes;
}

PassMessage pass_message(const std::string& bytes) {
  const auto refuse = [] {
    throw UserError("measure", "stdin holds no pass of this version",
                    "it is written by the Python package alone");
  };
  const std::size_t end = bytes.find('\n');
  const Json head = Json::parse(bytes.substr(0, end), nullptr, false);
  PassMessage message;
  try {
    message.platform = platform_of_resolved(head.at("platform").get<std::string>());
    message.task_list = Address{head.at("task_list").get<std::uint32_t>()};
    head.at("op_layer").get_to(message.op_layer);
    head.at("op_unit").get_to(message.op_unit);
    head.at("by_layer").get_to(message.by_layer);
    for (const Json& transfer : head.at("transfers")) {
      message.transfers.push_back({transfer.at(0).get<std::uint32_t>(),
                                   transfer.at(1).get<std::uint32_t>(),
                                   transfer.at(2).get<std::uint64_t>()});
    }
    std::size_t at = end + 1;
    for (const Json& image : head.at("images")) {
      const auto size = image.at(1).get<std::size_t>();
      if (size > bytes.size() - at) {
        refuse();
      }
      message.images.push_back({Address{image.at(0).get<std::uint32_t>()},
                                {bytes.begin() + static_cast<std::ptrdiff_t>(at),
                                 bytes.begin() + static_cast<std::ptrdiff_t>(at + size)}});
      at += size;
    }
    if (at != bytes.size()) {
      refuse();
    }
  } catch (const Json::exception&) {
    refuse();
  }
  return message;
}

std::string account_text(const MeasuredPass& pass) {
  Json layers = Json::array();
  for (const Activity& layer : pass.layers) {
    layers.push_back({layer.counters, layer.core_stalls});
  }
  return Json{{"cycles", pass.activity.cycles.raw()},
              {"counters", pass.activity.counters},
              {"stalls", pass.activity.core_stalls},
              {"spans", to_json(pass.spans)},
              {"layers", std::move(layers)}}
      .dump();
}

MeasuredPass read_account(const std::string& text) {
  const Json account = Json::parse(text, nullptr, false);
  if (!account.is_object() || account.contains("error")) {
    throw ProgramError("a step cannot be measured: " +
                       (account.is_object() ? account.at("error").get<std::string>()
                                            : std::string("its process ended too early")));
  }
  using Counts = std::map<std::string, std::uint64_t>;
  MeasuredPass pass{{Cycle{account.at("cycles").get<std::uint64_t>()},
                     account.at("counters").get<Counts>(), account.at("stalls").get<Counts>()},
                    spans_from(account.at("spans")),
                    {}};
  for (const Json& layer : account.at("layers")) {
    pass.layers.push_back({Cycle{}, layer.at(0).get<Counts>(), layer.at(1).get<Counts>()});
  }
  return pass;
}

}  // namespace etude::run
