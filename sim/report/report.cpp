// SPDX-License-Identifier: Apache-2.0
#include "sim/report/report.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <vector>

#include "sim/report/text.h"
#include "sim/report/wear.h"

namespace etude {
namespace {
using Json = nlohmann::ordered_json;

constexpr std::size_t kSlowest = 10;  // layers shown
constexpr std::size_t kLine = 100;
constexpr double kLeastRange = 0.001;  // of the total: below, a coefficient's range is not shown
constexpr unsigned kBar = 20;

struct Style {
  bool colours;
  std::string heading(const std::string& text) const {
    return colours ? "\n\033[1m" + text + "\033[0m\n" : "\n" + text + "\n";
  }
  std::string alarm(const std::string& text) const {
    return colours ? "\033[31m" + text + "\033[0m" : text;
  }
};

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

std::string head(const Json& result) {
  const Json& platform = result.at("platform");
  std::string text = "Etude: " + result.at("title").get<std::string>() + "\n";
  text += platform.at("cores").dump() + " cores" +
          (platform.at("controller") == true ? " + controller" : "") + ", " +
          std::to_string(platform.at("l1_bytes").get<std::uint64_t>() / 1024) + " KiB L1 in " +
          platform.at("tcdm_banks").dump() + " banks, ";
  const Json& array = platform.at("redmule");
  if (array.is_object()) {
    text += "RedMulE " + array.at("height").dump() + "x" + array.at("width").dump() + " P" +
            array.at("pipe").dump() + " " + array.at("format").get<std::string>() + ", ";
  } else {
    text += "no RedMulE, ";
  }
  return text + platform.at("dma").get<std::string>() + ", " +
         fixed(platform.at("clock_hz").get<double>() * 1e-6, 0) + " MHz, tier " +
         result.at("tier").get<std::string>() + "\n";
}

std::string per_second(double samples) {
  return (samples < 1000 ? fixed(samples, 1) : with_commas(static_cast<std::uint64_t>(samples))) +
         " samples/s";
}

std::string loss_text(const Json& result) {
  if (result.at("tier") == "model") {
    return "not computed in this tier";
  }
  const Json& steps = result.at("steps");
  const auto show = [](const Json& loss) {
    return loss.is_number() ? fixed(loss.get<double>(), 6) : std::string("not finite");
  };
  std::string text = show(result.at("loss"));
  if (steps.size() > 1) {
    text += " after " + std::to_string(steps.size()) + " steps (first " +
            show(steps.front().at("loss")) + ")";
  }
  return text;
}

std::string check_text(const Json& result, const Style& style) {
  const Json& check = result.at("check");
  if (check.is_null()) {
    if (const auto model = result.find("model"); model != result.end()) {
      const Json& error = model->at("error");
      return "a prediction: off by " + percent(error.at("cycles_mean").get<double>()) +
             " in cycles in the mean, " + percent(error.at("cycles_worst").get<double>()) +
             " at worst, over " + error.at("points").dump() + " steps of the cycle tier";
    }
    return "not made (--no-verify)";
  }
  const auto number = [&](const char* name) {
    return check.at(name).is_number() ? check.at(name).get<double>() : 0.0;
  };
  char absolute[32];
  std::snprintf(absolute, sizeof absolute, "%.2e", number("max_abs_error"));
  std::string text = check.at("passed") == true ? "passed" : style.alarm("FAILED");
  text += ": " + check.at("tensors").dump() + " tensors against " +
          check.at("reference").get<std::string>() + ", largest error " + absolute + ", at most " +
          percent(number("error_of_allowed")) + " of what is allowed";
  if (check.at("redmule_jobs") != 0) {
    text += "; " + check.at("redmule_jobs").dump() + " RedMulE jobs bit-equal";
  }
  if (check.contains("ties")) {
    text += "; " + check.at("ties").dump() + " inputs of ReLU at zero cut as on the chip";
  }
  for (const Json& failure : check.at("failures")) {
    text += "\n          " + style.alarm(failure.get<std::string>());
  }
  return text;
}

std::string step(const Json& result, const Style& style) {
  const Json& s = result.at("step");
  const auto number = [&](const char* name) { return s.at(name).get<double>(); };
  std::string text = style.heading("Step");
  TextTable table({"", "<", "<", "<", "<", "<"});
  table.add({"cycles", with_commas(s.at("cycles").get<std::uint64_t>()), "latency",
             engineering(number("latency_s"), "s"), "throughput",
             per_second(number("samples_per_s"))});
  table.add({"energy", engineering(number("energy_j"), "J"), "mean power",
             engineering(ratio(number("energy_j"), number("latency_s")), "W"), "energy-delay",
             engineering(number("edp_js"), "Js")});
  table.add({"MACs", with_commas(s.at("macs").get<std::uint64_t>()), "speed",
             fixed(number("flop_per_cycle"), 2) + " FLOP/cycle", "efficiency",
             fixed(ratio(number("flop"), number("energy_j")) * 1e-9, 2) + " GFLOP/J"});
  text += table.text();
  text += "  loss    " + loss_text(result) + "\n";
  if (const auto chosen = result.find("loss_function"); chosen != result.end()) {
    text += "          " + chosen->at("name").get<std::string>() + " of '" +
            chosen->at("of").get<std::string>() + "' (" + chosen->at("why").get<std::string>() +
            ")\n";
  }
  if (const auto accuracy = result.find("accuracy"); accuracy != result.end()) {
    text += "  correct " + fixed(100 * accuracy->get<double>(), 1) + " % of " +
            with_commas(result["classified"].at("samples").get<std::uint64_t>()) + " samples\n";
  }
  if (result.contains("diverged")) {
    text += "          " +
            style.alarm("DIVERGED: not finite from step " + result.at("diverged").dump()) + "\n";
  }
  return text + "  check   " + check_text(result, style) + "\n";
}

std::string bounds(const Json& result, const Style& style) {
  std::string text = style.heading("What bounds the step");
  TextTable table({"resource", "least cycles", "of the step", "<work"});
  for (const Json& bound : result.at("bounds")) {
    table.add({bound.at("resource").get<std::string>(),
               with_commas(static_cast<std::uint64_t>(bound.at("cycles").get<double>())),
               percent(bound.at("share").get<double>()), bound.at("work").get<std::string>()});
  }
  if (!table.empty()) {
    const Json& first = result.at("bounds").front();
    text += "  Nearest: " + first.at("resource").get<std::string>() + ", " +
            percent(first.at("share").get<double>()) +
            " of the step; what is left over is waiting.\n";
  }
  text += table.text();
  for (const Json& bound : result.at("bounds")) {
    if (bound.contains("parts")) {
      std::string parts;
      for (const auto& part : bound.at("parts").items()) {
        parts +=
            (parts.empty() ? "" : ", ") + percent(part.value().get<double>()) + " " + part.key();
      }
      text += "  FMAs of the " + bound.at("resource").get<std::string>() + ": " + parts + "\n";
    }
  }
  return text;
}

/// Columns of the units table: workers are joined, as least, mean and most.
struct Column {
  std::string name;
  std::vector<const Json*> units;
};

/// Share of `reason` in the units of a column: mean, and its spread where they differ.
std::string spread(const Column& column, const std::string& reason) {
  std::vector<double> shares;
  for (const Json* unit : column.units) {
    double total = unit->at("busy").get<double>();
    for (const Json& cycles : unit->at("stalls")) {
      total += cycles.get<double>();
    }
    const double cycles =
        reason == "busy" ? unit->at("busy").get<double>() : unit->at("stalls").value(reason, 0.0);
    shares.push_back(100 * ratio(cycles, total));
  }
  const auto [least, most] = std::minmax_element(shares.begin(), shares.end());
  double mean = 0;
  for (const double share : shares) {
    mean += share / static_cast<double>(shares.size());
  }
  if (*most == 0) {
    return "";
  }
  return *most - *least < 0.05
             ? fixed(mean, 1)
             : fixed(mean, 1) + " (" + fixed(*least, 1) + ".." + fixed(*most, 1) + ")";
}

std::string units(const Json& result, const Style& style) {
  std::vector<Column> columns;
  std::vector<std::string> reasons{"busy"};
  for (const auto& item : result.at("units").items()) {
    const bool worker = item.key().rfind("core", 0) == 0;
    if (worker && !columns.empty() && columns.front().name == "cores") {
      columns.front().units.push_back(&item.value());
    } else {
      columns.push_back({worker ? "cores" : item.key(), {&item.value()}});
    }
    for (const auto& stall : item.value().at("stalls").items()) {
      if (std::find(reasons.begin(), reasons.end(), stall.key()) == reasons.end()) {
        reasons.push_back(stall.key());
      }
    }
  }
  std::vector<std::string> head{"% of the unit's cycles"};
  for (const Column& column : columns) {
    head.push_back(column.units.size() > 1 ? column.name + ", mean (least..most)" : column.name);
  }
  TextTable table(head);
  for (const std::string& reason : reasons) {
    std::vector<std::string> row{reason};
    bool any = false;
    for (const Column& column : columns) {
      row.push_back(spread(column, reason));
      any = any || !row.back().empty();
    }
    if (any) {
      table.add(row);
    }
  }
  return style.heading("Where the cycles went") + table.text();
}

std::string layers(const Json& result, const Style& style) {
  std::vector<const Json*> slowest;
  for (const Json& layer : result.at("layers")) {
    slowest.push_back(&layer);
  }
  std::stable_sort(slowest.begin(), slowest.end(),
                   [](const Json* a, const Json* b) { return a->at("cycles") > b->at("cycles"); });
  const double total = result.at("step").at("cycles").get<double>();
  TextTable table(
      {"layer", "<op", "<phase", "<unit", "cycles", "share", "MACs", "energy", "<  first stall"});
  for (std::size_t i = 0; i < std::min(kSlowest, slowest.size()); ++i) {
    const Json& layer = *slowest[i];
    const double cycles = layer.at("cycles").get<double>();
    std::string stall;
    double most = 0;
    for (const auto& item : layer.at("stalls").items()) {
      if (item.value().get<double>() > most && item.key() != "sleep" &&
          item.key() != "event_wait") {
        most = item.value().get<double>();
        stall = item.key();
      }
    }
    const double macs = layer.at("macs").get<double>();
    table.add({layer.at("name").get<std::string>(), layer.at("op").get<std::string>(),
               layer.at("phase").get<std::string>(), layer.at("unit").get<std::string>(),
               with_commas(layer.at("cycles").get<std::uint64_t>()), percent(ratio(cycles, total)),
               macs > 0 ? with_commas(layer.at("macs").get<std::uint64_t>()) : "",
               engineering(layer.at("energy_j").get<double>(), "J"), "  " + stall});
  }
  return style.heading("Slowest layers (" + std::to_string(std::min(kSlowest, slowest.size())) +
                       " of " + std::to_string(slowest.size()) + ")") +
         table.text();
}

std::string memory(const Json& result, const Style& style) {
  const Json& m = result.at("memory");
  TextTable table({"memory", "peak bytes", "capacity", "used", "<"});
  for (const char* level : {"l1", "l2", "l3"}) {
    const auto peak = m.at(std::string(level) + "_peak").get<std::uint64_t>();
    const auto size = result.at("platform").at(std::string(level) + "_bytes").get<std::uint64_t>();
    const double share = ratio(static_cast<double>(peak), static_cast<double>(size));
    table.add({std::string(1, static_cast<char>(std::toupper(level[0]))) + level[1],
               with_commas(peak), with_commas(size), percent(share), bar(share, kBar)});
  }
  std::string text = style.heading("Memory") + table.text();
  text += "  parameters " + with_commas(m.at("parameters").get<std::uint64_t>()) +
          " B, trainable " + with_commas(m.at("trainable").get<std::uint64_t>()) +
          " B, gradients " + with_commas(m.at("gradients").get<std::uint64_t>()) +
          " B, dynamic peak " + with_commas(m.at("activations_peak").get<std::uint64_t>()) + " B\n";
  const Json& t = result.at("traffic");
  return text + "  moved: L2 to L1 " + with_commas(t.at("l2_l1_read").get<std::uint64_t>()) +
         " B, L1 to L2 " + with_commas(t.at("l2_l1_write").get<std::uint64_t>()) + " B, L3 to L2 " +
         with_commas(t.at("l3_l2_read").get<std::uint64_t>()) + " B, L2 to L3 " +
         with_commas(t.at("l3_l2_write").get<std::uint64_t>()) + " B\n" +
         (result.contains("wear") ? wear_text(result.at("wear")) : "");
}

std::string energy(const Json& result, const Style& style) {
  const double total = result.at("energy").at("total").get<double>();
  TextTable table({"component", "energy", "share", "<"});
  for (const auto& item : result.at("energy").items()) {
    if (item.key() != "total") {
      const double share = ratio(item.value().get<double>(), total);
      table.add({item.key(), engineering(item.value().get<double>(), "J"), percent(share),
                 bar(share, kBar)});
    }
  }
  table.add({"total", engineering(total, "J"), "", ""});
  std::string text = style.heading("Energy") + table.text();
  const double low = result.at("energy_bill").at("total_low_j").get<double>();
  const double high = result.at("energy_bill").at("total_high_j").get<double>();
  if (low < high) {
    text += "  from " + engineering(low, "J") + " to " + engineering(high, "J") +
            " where every coefficient stands at the low or the high end of its range:\n";
  }
  for (const Json& term : result.at("energy_bill").at("terms")) {
    const double least = term.at("low_j").get<double>();
    const double most = term.at("high_j").get<double>();
    if (most - least > kLeastRange * total) {
      text += "    " + term.at("coefficient").get<std::string>() + " " +
              engineering(term.at("energy_j").get<double>(), "J") + ", from " +
              engineering(least, "J") + " to " + engineering(most, "J") + "\n";
    }
  }
  return text;
}

std::string area(const Json& result, const Style& style) {
  const Json& parts = result.at("area");
  const Json& marks = result.at("area_bill").at("marks");
  const double cluster = parts.at("cluster").get<double>();
  TextTable table({"part", "mm2", "of the cluster", "<mark", "<"});
  for (const auto& mark : marks.items()) {
    const double mm2 = parts.at(mark.key()).get<double>();
    const double share = ratio(mm2, cluster);
    const bool inside = mark.key() != "l2";
    table.add({mark.key(), fixed(mm2, 3), inside ? percent(share) : "",
               mark.value().get<std::string>(), inside ? bar(share, kBar) : ""});
  }
  return style.heading("Area") + table.text() + "  cluster " + fixed(cluster, 3) +
         " mm2, with L2 " + fixed(parts.at("total").get<double>(), 3) + " mm2; " +
         fixed(result.at("step").at("gflops_per_mm2").get<double>(), 2) +
         " GFLOP/s per mm2 of the cluster\n";
}

/// What the totals stand on, where it makes more than 5 % of one.
std::string assumptions(const Json& result, const Style& style) {
  std::string text;
  for (const Json& assumption : result.at("assumptions")) {
    if (assumption.at("notable") == true) {
      const std::string total = assumption.at("total");
      std::string line = percent(assumption.at("share").get<double>()) + " of the " +
                         (total == "energy_j"   ? "energy"
                          : total == "area_mm2" ? "area"
                                                : "cycles") +
                         ": " + assumption.at("name").get<std::string>() + ": " +
                         assumption.at("text").get<std::string>();
      const auto vary = assumption.at("vary").get<std::string>();
      line += vary.empty() ? "" : "; vary " + vary;
      text += wrapped(line, kLine, 2, 4);
    }
  }
  if (text.empty()) {
    return "";
  }
  return style.heading("Assumed, and more than 5 % of a total") + text +
         "  Errors against RTL, block by block: docs/validation.md\n";
}

std::string tail(const Json& result, const Style& style) {
  std::string text;
  if (!result.at("warnings").empty()) {
    text += style.heading("Warnings");
    for (const Json& warning : result.at("warnings")) {
      text += "  " + warning.get<std::string>() + "\n";
    }
  }
  const Json& s = result.at("simulator");
  return text + "\nsimulated in " + fixed(s.at("wall_s").get<double>(), 2) + " s (" +
         fixed(s.at("mcycles_per_s").get<double>(), 1) + " Mcycle/s, " +
         fixed(s.at("mips").get<double>(), 1) + " MIPS, engine " +
         result.at("engine").get<std::string>() + ")\n";
}
}  // namespace

std::string terminal_report(const Json& result, bool colours) {
  const Style style{colours};
  return head(result) + step(result, style) + bounds(result, style) + units(result, style) +
         layers(result, style) + memory(result, style) + energy(result, style) +
         area(result, style) + assumptions(result, style) + tail(result, style);
}

}  // namespace etude
