// SPDX-License-Identifier: Apache-2.0
// What stands in memory before a step.
#include "run/plan/program_images.h"

#include <algorithm>
#include <cstring>

#include "kernels/include/etude_task.h"

namespace etude {

namespace {

std::vector<std::uint8_t> image_of(const std::vector<float>& values, DType type) {
  std::vector<std::uint8_t> bytes(values.size() * sizeof(float));
  if (type == DType::kInt32) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<std::int32_t>(values[i]);
      std::memcpy(bytes.data() + 4 * i, &value, sizeof value);
    }
    return bytes;
  }
  if (!values.empty()) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
  }
  return bytes;
}

void add_images(const std::vector<TensorPlace>& places, const StartValues& start,
                std::vector<ProgramImage>& images) {
  for (const TensorPlace& place : places) {
    images.push_back({place.address, image_of(start.at(place.tensor), place.dtype)});
  }
}

/// What stands in L2 of the task list when a step begins.
ProgramImage list_image(const Program& program) {
  std::size_t bytes = program.task_list.size();
  if (program.list_window.raw() != 0) {
    bytes = std::min<std::size_t>(bytes, ETUDE_TASK_FIRST_OP + program.list_window.raw());
  }
  return {
      program.task_list_address,
      {program.task_list.begin(), program.task_list.begin() + static_cast<std::ptrdiff_t>(bytes)}};
}

}  // namespace

std::vector<ProgramImage> initial_images(const Program& program, const StartValues& start) {
  std::vector<ProgramImage> images{list_image(program)};
  if (program.list_window.raw() != 0) {
    images.push_back({program.list_home,
                      {program.task_list.begin() + ETUDE_TASK_FIRST_OP, program.task_list.end()}});
  }
  add_images(program.parameters, start, images);
  add_images(program.states, start, images);
  add_images(program.inputs, start, images);
  return images;
}

std::vector<ProgramImage> input_images(const Program& program, const StartValues& start) {
  std::vector<ProgramImage> images;
  if (program.list_window.raw() != 0) {
    images.push_back(list_image(program));  // as the step before found it
  }
  add_images(program.inputs, start, images);
  return images;
}

}  // namespace etude
