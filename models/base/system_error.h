// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>

namespace etude {

/// The machine does not do what it should (the disk is full, a folder has gone): one line, exit
/// status 1. The text names the file and the reason.
class SystemError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace etude
