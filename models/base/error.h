// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

namespace etude {

/// What the user gave is wrong: the program prints the one line and exits with status 2.
/// The text reads "<where>: <what is wrong>; <what would be allowed>".
class UserError : public std::runtime_error {
 public:
  UserError(const std::string& where, const std::string& what_is_wrong, const std::string& allowed)
      : std::runtime_error(where + ": " + what_is_wrong + "; " + allowed) {}
};

/// The simulated program failed or ran past its limit: exit status 3.
class ProgramError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace etude
