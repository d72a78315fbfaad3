// SPDX-License-Identifier: Apache-2.0
// etude-sim schedule: what to keep, recompute and page under a memory budget and a deadline.
#include <iostream>
#include <memory>

#include "cli/commands.h"
#include "run/execute/meter.h"
#include "run/plan/schedule_refusal.h"
#include "run/plan/schedule_step.h"
#include "sim/report/text.h"
#include "sim/report/wear.h"

namespace etude::cli {
namespace {
using Json = nlohmann::ordered_json;

std::string cost_text(const Json& answer, const char* member) {
  if (!answer.contains(member) || answer.at(member).is_null()) {
    return "-";
  }
  const double value = answer.at(member).get<double>();
  const std::string objective = answer.at("objective").get<std::string>();
  const std::string unit = objective == "energy" ? "J"
                           : objective == "time" ? "s"
                           : objective == "edp"  ? "Js"
                                                 : "B";
  return engineering(value, unit);
}

/// "accumulate=4, keep": passes of a part of the batch, and what each does.
std::string policy_text(const Json& answer) {
  const std::string name = answer.at("policy").get<std::string>();
  return answer.contains("pass_policy") ? name + "=" + answer.at("accumulate").dump() + ", " +
                                              answer.at("pass_policy").get<std::string>()
                                        : name;
}

std::string table_text(const std::vector<Json>& answers) {
  TextTable table({"policy", "<status", "energy", "time", "peak, B", "overhead", "bound", "gap",
                   "made again", "paged", "solved in"});
  for (const Json& answer : answers) {
    const bool found = answer.contains("energy_j");
    const auto of = [&](const char* member, const char* unit) {
      return found ? engineering(answer.at(member).get<double>(), unit) : std::string("-");
    };
    const bool gap = found && !answer.at("gap").is_null();
    table.add({policy_text(answer), answer.at("status").get<std::string>(), of("energy_j", "J"),
               of("time_s", "s"),
               found ? with_commas(answer.at("peak_bytes").get<std::uint64_t>()) : "-",
               cost_text(answer, "overhead"), cost_text(answer, "bound"),
               gap ? percent(answer.at("gap").get<double>()) : "-",
               found ? std::to_string(answer.at("recomputed").size()) : "-",
               found ? std::to_string(answer.at("paged").size()) : "-",
               fixed(answer.at("solve_s").get<double>(), 2) + " s"});
  }
  return table.text();
}

/// Prints the answer; 2 where nothing fits, with a line that says what would do.
int print(const Json& all, bool json, bool compare) {
  std::vector<Json> answers{all};
  if (compare) {
    answers = all.at("policies").get<std::vector<Json>>();
  }
  if (json) {
    std::cout << all.dump(2) << '\n';
  } else {
    const Json& first = answers.front();
    std::cout << "keep needs " << with_commas(first.at("peak_keep").get<std::uint64_t>()) << " B";
    if (!first.at("budget").is_null()) {
      std::cout << ", the budget is " << with_commas(first.at("budget").get<std::uint64_t>())
                << " B";
    }
    std::cout << "\n\n" << table_text(answers);
    for (const Json& answer : answers) {
      if (answer.contains("wear")) {
        std::cout << (compare ? answer.at("policy").get<std::string>() + ":\n" : "")
                  << wear_text(answer.at("wear"));
      }
      if (compare && answer.contains("reason")) {
        std::cout << answer.at("policy").get<std::string>() << ": "
                  << answer.at("reason").get<std::string>() << '\n';
      }
      for (const Json& note : answer.at("notes")) {
        if (answer.value("reason", "") == note.get<std::string>()) {
          continue;
        }
        std::cout << answer.at("policy").get<std::string>() << ": " << note.get<std::string>()
                  << '\n';
      }
    }
    if (all.contains("file")) {
      std::cout << "the schedule is a file of " << all.at("file").at("bytes").dump() << " bytes\n";
    }
    for (const Json& warning : all.at("warnings")) {
      std::cout << "warning: " << warning.get<std::string>() << '\n';
    }
  }
  if (compare) {
    return 0;  // what is infeasible is a row
  }
  const Json& asked = answers.front();
  const std::string status = asked.at("status").get<std::string>();
  if (status == "optimal" || status == "feasible") {
    return 0;
  }
  std::cerr << "etude-sim: " << run::refusal_of(asked) << '\n';
  return 2;
}
}  // namespace

void add_schedule(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "schedule", "Find what to keep, recompute and page under a memory budget and a deadline");
  auto q = std::make_shared<run::ScheduleQuestion>();
  q->meter = run::measure_pass;
  auto json = std::make_shared<bool>(false);
  command->add_option("config", q->config,
                      "Root configuration (JSON), or a network's name beside a cost table");
  command->add_option("--set", q->sets, "/json/pointer=VALUE")->allow_extra_args(false);
  command->add_option("--device", q->device, "A cost table, or a graph with its costs (JSON)");
  command->add_option("--batch", q->batch, "Samples of a step");
  command->add_option("--graph", q->graph, "published or corrected, of a network on a cost table");
  command->add_option("--write-graph", q->write_graph, "Write that graph with its costs (JSON)");
  command->add_option("--policy", q->policy,
                      "keep, optimal, checkmate, page, sqrt, capuchin, pofo or poet");
  command->add_option("--objective", q->objective, "energy, time, edp or peak");
  command->add_option("--page-to", q->page_to, "extmem or flash, of what operators make");
  command->add_option("--budget", q->budget, "Bytes; at most 1: a part of what keep needs");
  command->add_option("--deadline", q->deadline, "Seconds");
  command->add_option("--time-limit", q->time_limit, "Seconds of search; 0: heuristics alone");
  command->add_flag("--compare", q->compare, "Every policy in one table");
  command->add_option("--out", q->out, "Write the schedule to a file (see /schedule/file)");
  command->add_flag("--json", *json, "Print JSON");
  for (CLI::Option* option : command->get_options()) {
    if (option->get_items_expected_max() > 0) {  // CLI11 takes an empty number for none at all
      option->check([](const std::string& text) {
        return std::string(text.empty() ? "it is empty: give a value, or leave it out" : "");
      });
    }
  }
  command->callback(
      [q, json, &status] { status = print(run::schedule_step(*q), *json, q->compare); });
}

}  // namespace etude::cli
