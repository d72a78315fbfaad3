// SPDX-License-Identifier: Apache-2.0
#include "run/plan/run_command.h"

namespace etude::run {
namespace {

std::string quoted(const std::string& word) {
  constexpr const char* kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
    return word;
  }
  std::string text = "'";
  for (const char c : word) {
    text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return text + "'";
}

}  // namespace

std::string run_command(const std::string& config, const std::vector<std::string>& sets) {
  std::string command = "etude-sim run " + quoted(config);
  for (const std::string& set : sets) {
    command += " --set " + quoted(set);
  }
  return command;
}

}  // namespace etude::run
