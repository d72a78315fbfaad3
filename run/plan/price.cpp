// SPDX-License-Identifier: Apache-2.0
#include "run/plan/price.h"

#include "models/base/error.h"
#include "sim/config/json_file.h"
#include "sim/config/load.h"
#include "sim/report/manifest.h"
#include "sim/report/result.h"

namespace etude::run {

Json price_folder(const std::filesystem::path& folder, const std::vector<std::string>& sets) {
  check_manifest(folder);
  for (const std::string& set : sets) {
    const std::string pointer = set.substr(0, set.find('='));
    if (pointer != "/energy" && !pointer.starts_with("/energy/")) {
      throw UserError("--set " + set, "a finished run is priced with another table alone",
                      "give /energy or a pointer below it; run the configuration again for others");
    }
  }
  const RootConfig config = load_for_pricing((folder / "config.resolved.json").string(), sets);
  Json result = read_json_file(folder / "result.json");
  try {
    price_again(result, config.platform, config.energy);
  } catch (const nlohmann::json::exception&) {
    throw UserError((folder / "result.json").string(), "not a result of this version",
                    "run the configuration again");
  }
  return result;
}

}  // namespace etude::run
