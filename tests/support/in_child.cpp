// SPDX-License-Identifier: Apache-2.0
#include "tests/support/in_child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <stdexcept>

namespace etude::test {

std::vector<std::uint64_t> in_child(const std::function<std::vector<std::uint64_t>()>& measure) {
  int ends[2];
  if (pipe(ends) != 0) {
    throw std::runtime_error("pipe failed");
  }
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    int status = 0;
    try {
      const std::vector<std::uint64_t> numbers = measure();
      const auto bytes = static_cast<ssize_t>(numbers.size() * sizeof(std::uint64_t));
      status = write(ends[1], numbers.data(), static_cast<std::size_t>(bytes)) == bytes ? 0 : 2;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "in child: %s\n", error.what());
      status = 1;
    }
    _exit(status);
  }
  close(ends[1]);
  std::vector<std::uint64_t> numbers;
  std::uint64_t number = 0;
  while (read(ends[0], &number, sizeof number) == sizeof number) {
    numbers.push_back(number);
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) {
    throw std::runtime_error("the measuring process failed");
  }
  return numbers;
}

}  // namespace etude::test
