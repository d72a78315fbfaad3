// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_refusal.h"

namespace etude::run {
namespace {
using Json = nlohmann::ordered_json;

/// Behind the first words: what is needed, else what is known.
std::string need_of(const Json& answer) {
  if (answer.contains("needs")) {
    const Json& needs = answer.at("needs");
    return needs.contains("deadline_s")
               ? "; a deadline of " + needs.at("deadline_s").dump() + " s would do"
               : "; operator " + needs.at("operator").dump() + " needs " +
                     needs.at("bytes").dump() + " bytes";
  }
  if (!answer.at("notes").empty()) {
    return ": " + answer.at("notes").front().get<std::string>();
  }
  if (answer.contains("energy_j")) {
    return "; policy " + answer.at("policy").get<std::string>() + " takes " +
           answer.at("peak_bytes").dump() + " bytes and " + answer.at("time_s").dump() + " s";
  }
  return "";
}

}  // namespace

std::string refusal_of(const Json& answer) {
  const bool late = answer.contains("needs") && answer.at("needs").contains("deadline_s");
  const bool unknown = answer.at("status").get<std::string>() == "unknown";
  return std::string(late ? "--deadline: " : "--budget: ") +
         (unknown ? "no schedule was found in time" : "no schedule fits") + need_of(answer);
}

}  // namespace etude::run
