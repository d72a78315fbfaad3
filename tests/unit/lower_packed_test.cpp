// SPDX-License-Identifier: Apache-2.0
// Steps whose frozen weights stand packed: the host interpreter's bits against those of the same
// step on the decoded weights in FP32.
#include <catch2/catch.hpp>
#include <string>

#include "compiler/lower/lower.h"
#include "compiler/operators/packed_weights.h"
#include "models/base/error.h"
#include "run/plan/packed_base.h"
#include "run/plan/start_images.h"
#include "tests/support/kernel_host.h"
#include "tests/support/lowered_step.h"
#include "tests/support/task_interpreter.h"
#include "workloads/training/methods.h"

namespace etude::compiler {
namespace {

using test::platform_of;
using test::TaskInterpreter;

TrainingGraph adapted(const std::vector<unsigned>& sizes, unsigned batch, unsigned rank) {
  Network network = make_network("mlp", sizes, batch);
  MethodOptions method;
  method.method = TrainConfig::Method::kLora;
  method.rank = rank;
  apply_method(network, method);
  return make_training_graph(std::move(network), 0.125);
}

/// Every weight that a step can decode, in one form, and values with the decoded ones.
struct Base {
  PackedWeights forms;
  run::PackedBase packed;
  StartValues start;
};

Base packed_base(const Graph& graph, StoredNumber number, bool per_row) {
  Base made;
  complete_parameters(graph, 11, made.start);
  draw_inputs(graph, 12, 0, made.start);
  for (const DecodableWeight& weight : decodable_weights(graph, StoragePlan(graph))) {
    const std::string& name = graph.tensor(weight.tensor).name;
    const StoredForm form{number, StoredCode::kPlain, per_row};
    std::vector<float>& values = made.start.at(weight.tensor);
    const PackedTensor tensor = pack(quantise(values, weight.rows, weight.cols, form, name),
                                     weight.rows, weight.cols, form, name);
    values = unpack(tensor, name);
    made.forms[name] = {form, weight.rows, weight.cols};
    made.packed[weight.tensor] = tensor;
  }
  return made;
}

/// What a step leaves: its loss and the trained parameters.
std::vector<std::vector<float>> outcome(const TrainingGraph& training, const Program& program,
                                        TaskInterpreter& machine) {
  std::vector<std::vector<float>> found{machine.read(program.loss.address, 1)};
  for (const TensorPlace& place : program.parameters) {
    if (training.gradients.contains(place.tensor)) {
      found.push_back(machine.read(place.address, place.bytes.raw() / 4));
    }
  }
  return found;
}

void check_packed(const TrainingGraph& training, const PlatformConfig& platform,
                  LowerOptions options, StoredNumber number, bool per_row) {
  const Base base = packed_base(training.graph, number, per_row);
  REQUIRE(!base.forms.empty());
  std::vector<std::vector<float>> wanted;
  {
    const Program plain = lower_step(training, platform, options);
    TaskInterpreter machine(platform);
    machine.write(run::initial_images(plain, base.start));
    machine.run(plain);
    wanted = outcome(training, plain, machine);
  }
  options.packed = base.forms;
  const Program program = lower_step(training, platform, options);
  REQUIRE(program.packed.size() == base.forms.size());
  TaskInterpreter machine(platform);
  machine.write(run::initial_images(program, base.start));
  machine.write(run::packed_images(program, base.packed));
  machine.run(program);
  CHECK(outcome(training, program, machine) == wanted);
  unsigned decodes = 0;
  for (const Operation& operation : program.tasks.operations) {
    const auto* call = operation.as<KernelCall>();
    decodes += call != nullptr && call->kernel >= ETUDE_KERNEL_DECODE_INT8 &&
                       call->kernel <= ETUDE_KERNEL_DECODE_INT3_FP16
                   ? 1
                   : 0;
  }
  CHECK(decodes >= base.forms.size());
  for (const PackedPlace& place : program.packed) {  // at home, and as they were
    CHECK(place.numbers.raw() >> 24 == (options.packed_extmem ? 0x80 : 0x1C));
    const auto words = machine.read(place.numbers, place.number_bytes.raw() / 4);
    CHECK(std::memcmp(words.data(), base.packed.at(place.tensor).bytes.data(),
                      place.number_bytes.raw()) == 0);
  }
}

TEST_CASE("a step on packed weights leaves the bits of one on what is decoded of them") {
  test::Numbers draw(GENERATE(range(1u, 17u)));
  std::vector<unsigned> sizes;
  for (unsigned i = 3 + draw.below(2); i > 0; --i) {
    sizes.push_back(12 + draw.below(120));
  }
  const unsigned batch = 1 + draw.below(20);
  const auto number = static_cast<StoredNumber>(1 + draw.below(3));
  const bool half = draw.below(3) == 0, per_row = draw.below(2) == 0;
  LowerOptions options;
  options.home = draw.below(2) == 0 ? WorkloadConfig::Home::kExtmem : WorkloadConfig::Home::kAuto;
  options.packed_extmem = draw.below(2) == 0;
  options.tiling.double_buffer = draw.below(4) != 0;
  PlatformConfig platform =
      platform_of(half || draw.below(3) != 0, 24 + 8 * draw.below(16), 1 + draw.below(8));
  if (half) {
    platform.cluster.redmule.format = RedmuleConfig::Format::kFp16;
    options.precision = TrainConfig::Precision::kMixedFp16;
  }
  INFO("int " << bits_of(number) << (per_row ? " per row" : " per column") << ", batch " << batch
              << (half ? ", half" : ""));
  check_packed(adapted(sizes, batch, 4), platform, options, number, per_row);
}

TEST_CASE("what is packed and cannot be decoded by tile is refused by name") {
  const TrainingGraph training = adapted({20, 30, 10}, 4, 2);
  LowerOptions options;
  const auto refused = [&](const std::string& name, const PackedWeight& weight) {
    options.packed = {{name, weight}};
    try {
      (void)lower_step(training, platform_of(true, 64), options);
    } catch (const UserError& error) {
      return std::string(error.what()).find(name) != std::string::npos;
    }
    return false;
  };
  const auto first = decodable_weights(training.graph, StoragePlan(training.graph)).at(0);
  const std::string& name = training.graph.tensor(first.tensor).name;
  CHECK(refused("nobody", {{}, 20, 30}));
  CHECK(refused(name, {{}, first.rows + 1, first.cols}));
  CHECK(refused(name, {{StoredNumber::kInt8, StoredCode::kHuffman}, first.rows, first.cols}));
  CHECK(refused(name, {{StoredNumber::kFloat16}, first.rows, first.cols}));
}

}  // namespace
}  // namespace etude::compiler
