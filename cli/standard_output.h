// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <streambuf>

namespace etude::cli {

/// Takes the place of std::cout's buffer for as long as it lives, and remembers why writing failed:
/// a closed pipe or a full disk behind stdout must not look like success. A closed pipe is an error
/// here, not the end of the process (SIGPIPE is ignored).
class StandardOutput : public std::streambuf {
 public:
  StandardOutput();
  ~StandardOutput() override;
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;

  /// Writes what is left; errno of the first write that failed, 0 if none did.
  int finish();

 private:
  int_type overflow(int_type c) override;
  int sync() override;

  std::array<char, 1 << 14> buffer_{};
  std::streambuf* before_;
  int error_{0};
};

}  // namespace etude::cli
