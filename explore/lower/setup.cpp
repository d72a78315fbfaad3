// SPDX-License-Identifier: Apache-2.0
#include "explore/lower/setup.h"

#include "models/base/error.h"

namespace etude {

namespace {

[[noreturn]] void not_available(const std::string& where, const std::string& what,
                                const std::string& allowed) {
  throw UserError(where, what + " is not available", allowed);
}

TrainingGraph build(const WorkloadConfig& workload, const TrainConfig& train) {
  if (!workload.onnx.empty()) {
    not_available("/workload/onnx", "import of ONNX graphs", "give /workload/network");
  }
  if (train.method != TrainConfig::Method::kFull) {
    not_available("/train/method", "this method", "allowed is full");
  }
  if (train.precision != TrainConfig::Precision::kFp32) {
    not_available("/train/precision", "mixed_fp16", "allowed is fp32");
  }
  if (train.momentum != 0) {
    not_available("/train/momentum", "momentum", "allowed is 0");
  }
  if (train.accumulate != 1) {
    not_available("/train/accumulate", "accumulation of gradients", "allowed is 1");
  }
  return make_training_graph(make_network(workload.network, workload.sizes, workload.batch),
                             train.lr);
}

}  // namespace

TrainingSetup::TrainingSetup(const WorkloadConfig& workload, const TrainConfig& train)
    : workload_(workload), train_(train), training_(build(workload, train)) {
  if (!workload.inputs.empty()) {
    data_ = read_npz(workload.inputs);
  }
  if (!train.initial.empty()) {
    initial_ = read_npz(train.initial);
  }
  StartValues checked = parameters();  // so that wrong files show before the run
  inputs(0, checked);
}

StartValues TrainingSetup::parameters() const {
  StartValues values;
  if (initial_) {
    take_parameters(training_.graph, *initial_, train_.initial, values);
  } else {
    draw_parameters(training_.graph, train_.seed, values);
  }
  return values;
}

void TrainingSetup::inputs(unsigned step, StartValues& values) const {
  if (data_) {
    take_inputs(training_.graph, *data_, workload_.inputs, step, values);
  } else {
    draw_inputs(training_.graph, train_.seed, step, values);
  }
}

}  // namespace etude
