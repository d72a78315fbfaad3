// SPDX-License-Identifier: Apache-2.0
#include "sim/config/program_data.h"

namespace etude {

std::filesystem::path program_data(const std::string& relative) {
  std::error_code ignored;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  const auto installed = folder.parent_path() / "share" / "etude" / relative;
  const bool beside = std::filesystem::exists(folder / relative, ignored);
  return !beside && std::filesystem::exists(installed, ignored) ? installed : folder / relative;
}

}  // namespace etude
