// SPDX-License-Identifier: Apache-2.0
#include "run/plan/schedule_refusal.h"

namespace etude::run {
namespace {
using Json = nlohmann::ordered_json;

double number(const Json& answer, const char* member) {
  return answer.contains(member) && !answer.at(member).is_null() ? answer.at(member).get<double>()
                                                                 : 0;
}

/// The limits that a schedule which was found breaks.
struct Broken {
  bool memory = false, time = false;
};

Broken broken_by(const Json& answer) {
  Broken broken;
  if (!answer.contains("energy_j")) {
    return broken;
  }
  const double budget = number(answer, "budget"), deadline = number(answer, "deadline_s");
  broken.memory = budget > 0 && number(answer, "peak_bytes") > budget;
  broken.time = deadline > 0 && number(answer, "time_s") > deadline;
  return broken;
}

}  // namespace

std::string refusal_of(const Json& answer) {
  const std::string policy = answer.at("policy").get<std::string>();
  const Json& notes = answer.at("notes");
  const bool needs = answer.contains("needs");
  const bool whole = number(answer, "memory_bytes") > 0 &&
                     number(answer, "memory_bytes") == number(answer, "budget");
  const std::string fits = whole ? answer.at("device").get<std::string>() +
                                       ": no schedule fits into its " +
                                       answer.at("memory_bytes").dump() + " bytes"
                                 : "--budget: no schedule fits";
  if (needs && answer.at("needs").contains("deadline_s")) {
    return "--deadline: no schedule is in time; a deadline of " +
           answer.at("needs").at("deadline_s").dump() + " s would do";
  }
  if (needs) {
    return fits + "; operator " + answer.at("needs").at("operator").dump() + " needs " +
           answer.at("needs").at("bytes").dump() + " bytes";
  }
  const Broken broken = broken_by(answer);
  const std::string seconds = answer.value("time_s", Json()).dump() + " s";
  const std::string bytes = answer.value("peak_bytes", Json()).dump() + " bytes";
  if (broken.memory) {
    return fits + "; policy " + policy + " takes " + bytes + (broken.time ? " and " + seconds : "");
  }
  if (broken.time) {
    return "--deadline: policy " + policy + " is late; a deadline of " + seconds + " would do";
  }
  if (answer.at("status").get<std::string>() == "unknown" && answer.value("timed_out", false)) {
    return "--time-limit: no schedule was found in time; give more, or 0 for heuristics alone";
  }
  if (!notes.empty()) {
    return "--policy: " + policy + " has no schedule: " + notes.front().get<std::string>();
  }
  return "--budget: no schedule " +
         std::string(answer.at("status").get<std::string>() == "unknown" ? "was found" : "fits");
}

}  // namespace etude::run
