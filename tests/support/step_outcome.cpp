// SPDX-License-Identifier: Apache-2.0
#include "tests/support/step_outcome.h"

#include <algorithm>
#include <bit>

#include "run/plan/start_images.h"
#include "tests/support/task_interpreter.h"
#include "workloads/networks/initial.h"

namespace etude::test {
namespace {

Bits bits(const std::vector<float>& values) {
  Bits found(values.size());
  std::ranges::transform(values, found.begin(),
                         [](float value) { return std::bit_cast<std::uint32_t>(value); });
  return found;
}

}  // namespace

std::map<std::string, Bits> outcome(const TrainingGraph& training, const PlatformConfig& platform,
                                    const Program& program, unsigned steps) {
  const Graph& graph = training.graph;
  StartValues start;
  complete_parameters(graph, 5, start);
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    const Tensor& tensor = graph.tensor(id);
    if (tensor.kind == TensorKind::kParameter && tensor.shape.size() < 2) {
      for (std::size_t i = 0; i < start[id].size(); ++i) {  // vectors are drawn as zeros
        start[id][i] = 0.5f + 0.0625f * static_cast<float>((7 * i + id) % 11);
      }
    }
  }
  draw_inputs(graph, 6, 0, start);
  TaskInterpreter machine(platform);
  machine.write(run::initial_images(program, start));
  for (unsigned step = 0; step < steps; ++step) {
    draw_inputs(graph, 6, step, start);
    machine.write(run::input_images(program, start));
    machine.run(program);
  }
  std::map<std::string, Bits> found;
  found["the loss"] = bits(machine.read(program.loss.address, 1));
  for (const auto* places : {&program.parameters, &program.states}) {
    for (const TensorPlace& place : *places) {
      found[place.name] = bits(machine.read(place.address, place.bytes.raw() / 4));
    }
  }
  for (const auto& [tensor, values] : machine.gradients) {
    found[graph.tensor(tensor).name + " (gradient)"] = bits(values);
  }
  return found;
}

}  // namespace etude::test
