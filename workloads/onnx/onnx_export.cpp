// SPDX-License-Identifier: Apache-2.0
#include "workloads/onnx/onnx_export.h"

#include <fstream>

#include "models/base/error.h"
#include "workloads/onnx/exporter.h"

namespace etude {

void write_onnx(const std::filesystem::path& file, const TrainingGraph& training,
                const StartValues& start) {
  const std::string bytes = onnxio::Exporter(training, start).bytes();
  std::ofstream out(file, std::ios::binary);
  if (!(out << bytes) || !out.flush()) {
    throw UserError(file.string(), "cannot be written", "give a file in a folder that can");
  }
}

}  // namespace etude
