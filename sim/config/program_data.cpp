// SPDX-License-Identifier: Apache-2.0
#include "sim/config/program_data.h"

#include <dlfcn.h>
#include <link.h>

namespace etude {

std::filesystem::path program_folder() {
  std::error_code ignored;
  Dl_info info{};
  link_map* map = nullptr;
  const bool known = dladdr1(reinterpret_cast<const void*>(&program_folder), &info,
                             reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) != 0;
  if (known && map != nullptr && map->l_name[0] != '\0') {  // the program itself has no name there
    return std::filesystem::weakly_canonical(map->l_name, ignored).parent_path();
  }
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

std::filesystem::path program_data(const std::string& relative) {
  std::error_code ignored;
  const auto folder = program_folder();
  const auto installed = folder.parent_path() / "share" / "etude" / relative;
  const bool beside = std::filesystem::exists(folder / relative, ignored);
  return !beside && std::filesystem::exists(installed, ignored) ? installed : folder / relative;
}

}  // namespace etude
