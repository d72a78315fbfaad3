// SPDX-License-Identifier: Apache-2.0
#include "sim/report/wear.h"

#include <cmath>

#include "sim/report/text.h"

namespace etude {
namespace {
using Json = nlohmann::ordered_json;

constexpr double kHour = 3600, kDay = 24 * kHour, kYear = 365.25 * kDay;

std::string duration(double seconds) {
  if (seconds < 120) {
    return fixed(seconds, 1) + " s";
  }
  if (seconds < 2 * kHour) {
    return fixed(seconds / 60, 1) + " min";
  }
  if (seconds < 2 * kDay) {
    return fixed(seconds / kHour, 1) + " h";
  }
  return seconds < 2 * kYear ? fixed(seconds / kDay, 1) + " days"
                             : fixed(seconds / kYear, 1) + " years";
}

Json life(double steps, double step_s) {
  steps = std::floor(steps);
  return {{"steps", static_cast<std::uint64_t>(steps)}, {"seconds", steps * step_s}};
}

std::string count(const Json& object, const char* member) {
  return with_commas(object.at(member).get<std::uint64_t>());
}

std::string life_text(const Json& life) {
  return count(life, "steps") + " steps, " + duration(life.at("seconds").get<double>()) +
         " of continuous training";
}

}  // namespace

Json wear_json(const FlashUseOfStep& use, const FlashConfig& flash, double step_s) {
  if (use.sectors == 0) {
    return nullptr;
  }
  const double rated = flash.endurance;
  const double all = static_cast<double>(flash.size.raw() / FlashConfig::kSectorBytes);
  return {{"programmed_bytes", use.programmed_bytes},
          {"programmed_pages", use.pages},
          {"erased_sectors", use.sectors},
          {"erases_of_a_sector", use.most_worn},
          {"rated_erases", flash.endurance},
          {"flash_bytes", flash.size.raw()},
          {"lifetime",
           {{"fixed", life(rated / static_cast<double>(use.most_worn), step_s)},
            {"rotated", life(rated * all / static_cast<double>(use.sectors), step_s)}}}};
}

std::optional<std::string> wear_warning(const Json& wear) {
  if (wear.is_null()) {
    return std::nullopt;
  }
  const Json& fixed_place = wear.at("lifetime").at("fixed");
  const Json& rotated = wear.at("lifetime").at("rotated");
  const std::string all = count(wear, "flash_bytes") + " bytes";
  if (rotated.at("seconds").get<double>() < kDay) {
    return "paging wears the flash out within a day, even spread over all of its " + all + ": " +
           life_text(rotated);
  }
  if (fixed_place.at("seconds").get<double>() < kDay) {
    return "paging wears sectors of the flash out within a day where pages stay in their places: " +
           life_text(fixed_place) + "; spread over all of its " + all + ": " + life_text(rotated);
  }
  return std::nullopt;
}

std::string wear_text(const Json& wear) {
  if (wear.is_null()) {
    return "";
  }
  return "  flash: " + count(wear, "programmed_bytes") + " B programmed in " +
         count(wear, "programmed_pages") + " pages and " + count(wear, "erased_sectors") +
         " sectors erased in a step; rated for " + count(wear, "rated_erases") +
         " erases of a sector\n    pages in their places: " +
         life_text(wear.at("lifetime").at("fixed")) + "\n    spread over all " +
         count(wear, "flash_bytes") +
         " B (wear levelling): " + life_text(wear.at("lifetime").at("rotated")) + "\n";
}

}  // namespace etude
