// SPDX-License-Identifier: Apache-2.0
// What stands in memory before a step.
#include "run/plan/start_images.h"

#include <algorithm>
#include <cstring>

#include "kernels/include/etude_task.h"

namespace etude::run {

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
                std::vector<MemoryImage>& images) {
  for (const TensorPlace& place : places) {
    images.push_back({place.address, image_of(start.at(place.tensor), place.dtype)});
  }
}

/// What stands in L2 of the task list when a step begins.
MemoryImage list_image(const Program& program) {
  std::size_t bytes = program.tasks.bytes.size();
  if (program.tasks.window.raw() != 0) {
    bytes = std::min<std::size_t>(bytes, ETUDE_TASK_FIRST_OP + program.tasks.window.raw());
  }
  return {program.tasks.address,
          {program.tasks.bytes.begin(),
           program.tasks.bytes.begin() + static_cast<std::ptrdiff_t>(bytes)}};
}

}  // namespace

std::vector<MemoryImage> initial_images(const Program& program, const StartValues& start) {
  std::vector<MemoryImage> images{list_image(program)};
  if (program.tasks.window.raw() != 0) {
    images.push_back(
        {program.tasks.home,
         {program.tasks.bytes.begin() + ETUDE_TASK_FIRST_OP, program.tasks.bytes.end()}});
  }
  add_images(program.parameters, start, images);
  add_images(program.states, start, images);
  add_images(program.inputs, start, images);
  return images;
}

std::vector<MemoryImage> input_images(const Program& program, const StartValues& start) {
  std::vector<MemoryImage> images;
  if (program.tasks.window.raw() != 0) {
    images.push_back(list_image(program));  // as the step before found it
  }
  add_images(program.inputs, start, images);
  return images;
}

}  // namespace etude::run
