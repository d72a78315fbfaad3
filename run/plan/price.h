// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace etude::run {

/// result.json of a finished run in `folder`, priced again from its counters without simulating;
/// `sets` reach below /energy or /platform. Errors: UserError if the folder holds no result of this
/// version, or for the user's values.
nlohmann::ordered_json price_folder(const std::filesystem::path& folder,
                                    const std::vector<std::string>& sets);

}  // namespace etude::run
