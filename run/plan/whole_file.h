// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace etude::run {

/// A file that is there as a whole or not at all: its bytes wait beside it until they are put in
/// its place, and go if they never are.
class WholeFile {
 public:
  /// `where` names it in errors, which are UserErrors.
  WholeFile(const std::string& file, std::string_view bytes, std::string where);
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  void put();

 private:
  [[noreturn]] void fail() const;

  const std::filesystem::path file_, aside_;
  const std::string where_;
};

}  // namespace etude::run
