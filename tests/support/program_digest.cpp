// SPDX-License-Identifier: Apache-2.0
#include "tests/support/program_digest.h"

#include <string>

namespace etude::test {
namespace {

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

}  // namespace

std::uint64_t digest_of(const Program& program) {
  Digest digest;
  add(digest, program);
  return digest.value();
}

std::uint64_t digest_of(const std::vector<MemoryImage>& images) {
  Digest digest;
  for (const MemoryImage& image : images) {
    digest.number(image.base.raw());
    digest.bytes(image.bytes);
  }
  return digest.value();
}

}  // namespace etude::test
