// SPDX-License-Identifier: Apache-2.0
#include "run/plan/whole_file.h"

#include <fstream>
#include <utility>

#include "models/base/error.h"

namespace etude::run {

WholeFile::WholeFile(const std::string& file, std::string_view bytes, std::string where)
    : file_(file), aside_(file + ".part"), where_(std::move(where)) {
  std::ofstream out(aside_, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) {
    std::error_code ignored;
    std::filesystem::remove(aside_, ignored);
    fail();
  }
}

WholeFile::~WholeFile() {
  std::error_code ignored;
  std::filesystem::remove(aside_, ignored);
}

void WholeFile::put() {
  std::error_code error;
  std::filesystem::rename(aside_, file_, error);
  if (error) {
    fail();
  }
}

void WholeFile::fail() const {
  throw UserError(where_, file_.string() + " cannot be written",
                  "give a file in a folder that can");
}

}  // namespace etude::run
