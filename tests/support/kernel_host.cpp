// SPDX-License-Identifier: Apache-2.0
#include "tests/support/kernel_host.h"

#include <sys/mman.h>

#include <barrier>
#include <memory>
#include <stdexcept>
#include <thread>

namespace {
std::unique_ptr<std::barrier<>> meeting;
float scratch_words[64];
}  // namespace

extern "C" void etude_barrier() { meeting->arrive_and_wait(); }
extern "C" float* etude_scratch() { return scratch_words; }

namespace etude::test {

void run_on_host(KernelFunction kernel, const void* args, unsigned workers) {
  meeting = std::make_unique<std::barrier<>>(workers);
  std::vector<std::thread> threads;
  for (unsigned w = 1; w < workers; ++w) {
    threads.emplace_back(kernel, args, w, workers);
  }
  kernel(args, 0, workers);
  for (std::thread& thread : threads) {
    thread.join();
  }
}

Arena::Arena(std::size_t words) : words_(words) {
  void* place = mmap(nullptr, words * 4, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (place == MAP_FAILED) {
    throw std::runtime_error("no memory with 32-bit addresses");
  }
  base_ = static_cast<std::uint32_t*>(place);
  clear();
}

Arena::~Arena() { munmap(base_, words_ * 4); }

void Arena::clear() {
  used_ = 0;
  for (std::size_t i = 0; i < words_; ++i) {
    base_[i] = kGuard;
  }
}

std::uint32_t Arena::matrix(unsigned rows, unsigned pitch) {
  used_ += 7;
  const auto address = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(base_ + used_));
  used_ += static_cast<std::size_t>(rows) * pitch + 9;
  if (used_ > words_) {
    throw std::runtime_error("arena too small");
  }
  return address;
}

std::uint32_t Arena::matrix(unsigned rows, unsigned cols, unsigned pitch,
                            const std::vector<float>& values) {
  const std::uint32_t address = matrix(rows, pitch);
  for (unsigned r = 0; r < rows; ++r) {
    std::memcpy(word(address + 4 * r * pitch), &values[static_cast<std::size_t>(r) * cols],
                cols * 4);
  }
  return address;
}

std::vector<float> Arena::read(std::uint32_t address, unsigned rows, unsigned cols,
                               unsigned pitch) const {
  std::vector<float> values(static_cast<std::size_t>(rows) * cols);
  for (unsigned r = 0; r < rows; ++r) {
    std::memcpy(&values[static_cast<std::size_t>(r) * cols], word(address + 4 * r * pitch),
                cols * 4);
  }
  return values;
}

bool Arena::only_changed(std::uint32_t address, unsigned rows, unsigned cols,
                         unsigned pitch) const {
  const auto first = static_cast<std::size_t>(word(address) - base_);
  for (std::size_t i = 0; i < before_.size(); ++i) {
    const bool inside = i >= first && (i - first) / pitch < rows && (i - first) % pitch < cols;
    if (!inside && before_[i] != base_[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace etude::test
