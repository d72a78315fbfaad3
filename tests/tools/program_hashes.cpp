// SPDX-License-Identifier: Apache-2.0
// A line for each configuration with a digest of all that it is lowered to (task list, memory
// images, places, figures): program_hashes FILE... as they are, program_hashes --random COUNT SEED
// FILE... with random hardware, method, batch and home. Two builds whose lines are equal make equal
// programs. What is refused shows its line.
#include <bit>
#include <cstdint>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "models/base/error.h"
#include "run/plan/plan.h"
#include "sim/config/load.h"

namespace {
using namespace etude;

class Digest {
 public:
  template <class Number>
  void number(Number value) {
    const auto wide = static_cast<std::uint64_t>(value);
    for (unsigned byte = 0; byte < 8; ++byte) {
      add(static_cast<std::uint8_t>(wide >> (8 * byte)));
    }
  }
  void bytes(const std::vector<std::uint8_t>& all) {
    number(all.size());
    for (const std::uint8_t byte : all) {
      add(byte);
    }
  }
  void text(const std::string& all) {
    number(all.size());
    for (const char each : all) {
      add(static_cast<std::uint8_t>(each));
    }
  }
  std::uint64_t value() const { return value_; }

 private:
  void add(std::uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001B3u; }
  std::uint64_t value_ = 0xCBF29CE484222325u;
};

void add(Digest& digest, const TensorPlace& place) {
  digest.number(place.tensor);
  digest.text(place.name);
  digest.number(place.address.raw());
  digest.number(place.bytes.raw());
  for (const std::uint64_t extent : place.shape) {
    digest.number(extent);
  }
  digest.number(static_cast<unsigned>(place.dtype));
}

void add(Digest& digest, const TaskList& tasks) {
  digest.bytes(tasks.bytes);
  digest.number(tasks.address.raw());
  digest.number(tasks.window.raw());
  digest.number(tasks.home.raw());
  for (const Operation& operation : tasks.operations) {
    digest.number(operation.what.index());
    digest.number(operation.layer);
    for (const Access& access : operation.accesses) {
      for (const std::uint32_t each :
           {std::uint32_t{access.write}, static_cast<std::uint32_t>(access.space),
            std::uint32_t{access.object}, access.address, access.rows, access.row_bytes,
            access.pitch}) {
        digest.number(each);
      }
    }
    for (const RateArgument& rate : operation.rates) {
      digest.number(static_cast<unsigned>(rate.rate));
      digest.number(rate.argument);
    }
  }
}

void add(Digest& digest, const MemoryFigures& memory) {
  for (const Bytes each :
       {memory.l1_peak, memory.l2_peak, memory.l2_fixed, memory.l2_home, memory.flash_pages,
        memory.l3_peak, memory.parameters, memory.trainable, memory.gradients,
        memory.activations_peak, memory.activations_peak_gradients_kept}) {
    digest.number(each.raw());
  }
}

void add(Digest& digest, const TensorProbe& probe) {
  digest.number(probe.piece.op);
  digest.number(probe.piece.address.raw());
  digest.number(probe.piece.rows);
  digest.number(probe.piece.row_bytes.raw());
  digest.number(probe.piece.pitch.raw());
  digest.number(probe.tensor);
  digest.number(probe.tensor_offset.raw());
  digest.number(probe.tensor_pitch.raw());
}

void add(Digest& digest, const Program& program) {
  add(digest, program.tasks);
  for (const Layer& layer : program.layers) {
    digest.text(layer.name);
    digest.text(layer.op);
    digest.text(layer.phase);
    digest.text(layer.unit);
    digest.number(layer.macs);
  }
  for (const auto* places : {&program.inputs, &program.parameters, &program.states}) {
    for (const TensorPlace& place : *places) {
      add(digest, place);
    }
  }
  add(digest, program.loss);
  for (const TensorProbe& probe : program.probes) {
    add(digest, probe);
  }
  add(digest, program.memory);
  digest.number(program.home_extmem);
  for (const std::uint32_t used : program.l2_used) {
    digest.number(used);
  }
  for (const StoredTensor& stored : program.stored) {
    digest.text(stored.name);
    digest.text(stored.kind);
    digest.number(stored.bytes.raw());
    digest.number(stored.external);
    digest.number(stored.always);
    digest.number(stored.address.raw());
  }
  for (const L1Buffer& buffer : program.l1_buffers) {
    digest.number(buffer.address.raw());
    digest.number(buffer.bytes.raw());
    digest.number(buffer.first_op);
    for (const std::uint32_t last : buffer.last_ops) {
      digest.number(last);
    }
  }
  digest.number(program.budget ? program.budget->raw() : ~std::uint64_t{0});
  digest.number(program.l1_reserved.raw());
  digest.number(program.modelled_cycles.raw());
  digest.number(program.kernel_cycles.raw());
  for (const std::string& warning : program.warnings) {
    digest.text(warning);
  }
}

std::string line_of(const std::string& file, const std::vector<std::string>& sets) {
  std::string line = file;
  for (const std::string& set : sets) {
    line += " " + set;
  }
  try {
    std::vector<std::string> warnings;
    const run::Plan plan(load_config(file, sets, warnings));
    Digest program, images;
    add(program, plan.program());
    for (const MemoryImage& image : plan.images()) {
      images.number(image.base.raw());
      images.bytes(image.bytes);
    }
    line += ": " + std::to_string(program.value()) + " " + std::to_string(images.value()) + " " +
            std::to_string(plan.program().tasks.operations.size()) + " operations";
  } catch (const UserError& error) {
    line += ": " + std::string(error.what());
  }
  return line;
}

/// Values of keys that a step is lowered by.
std::vector<std::string> random_sets(std::mt19937_64& random) {
  std::vector<std::string> sets;
  const auto one_of = [&](const char* pointer, const std::vector<const char*>& values) {
    const char* value = values[random() % values.size()];
    if (*value != '\0') {
      sets.push_back(std::string(pointer) + "=" + value);
    }
  };
  one_of("/workload/batch", {"", "", "1", "2", "4"});
  one_of("/workload/home", {"", "", "l2", "extmem", "auto"});
  one_of("/train/method", {"", "", "", "", "", "full"});
  one_of("/train/rank", {"", "2", "4", "8", "16"});
  one_of("/train/optimizer", {"", "", "", "momentum", "adam"});
  one_of("/platform/cluster/tcdm/size", {"65536", "98304", "131072", "262144", "524288"});
  one_of("/platform/l2/size", {"524288", "1048576", "1572864", "2097152", "4194304", "4194304"});
  one_of("/platform/cluster/clock_hz", {"200e6", "300e6", "400e6"});
  one_of("/platform/cluster/redmule/height", {"2", "4", "8"});
  one_of("/platform/cluster/redmule/width", {"4", "8", "12", "16"});
  one_of("/platform/cluster/redmule/pipe", {"1", "3"});
  one_of("/platform/cluster/redmule/enabled", {"", "", "", "false"});
  one_of("/platform/cluster/dma/engine", {"", "", "idma"});
  one_of("/platform/cluster/cores", {"", "", "4", "1"});
  one_of("/platform/cluster/tcdm/banks", {"32"});
  one_of("/schedule/policy", {"", "", "", "", "", "sqrt", "greedy"});
  return sets;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> files(argv + 1, argv + argc);
  if (files.size() < 4 || files.front() != "--random") {
    for (const std::string& file : files) {
      std::cout << line_of(file, {}) << "\n";
    }
    return 0;
  }
  const unsigned long count = std::stoul(files[1]);
  std::mt19937_64 random(std::stoull(files[2]));
  files.erase(files.begin(), files.begin() + 3);
  for (unsigned long i = 0; i < count; ++i) {
    for (const std::string& file : files) {
      std::cout << line_of(file, random_sets(random)) << "\n" << std::flush;
    }
  }
  return 0;
}
