// SPDX-License-Identifier: Apache-2.0
#include "run/plan/runtime_file.h"

#include <cstdlib>
#include <string>

#include "models/base/error.h"
#include "sim/config/program_data.h"

namespace etude::run {

std::filesystem::path runtime_file(bool decodes) {
  const std::string name = decodes ? "runtime_decode.elf" : "runtime.elf";
  const char* const folder = std::getenv("ETUDE_KERNELS");
  const std::filesystem::path file =
      folder != nullptr ? std::filesystem::path(folder) / name : program_data("kernels/" + name);
  if (!std::filesystem::exists(file)) {
    throw UserError(file.string(), "the cores' runtime is not there",
                    "build it with scripts/build.sh, or name its folder in ETUDE_KERNELS");
  }
  return file;
}

}  // namespace etude::run
