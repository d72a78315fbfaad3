// SPDX-License-Identifier: Apache-2.0
#include "run/plan/packed_base.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "compiler/operators/storage.h"
#include "models/base/error.h"
#include "run/plan/scheduled_program.h"
#include "workloads/codecs/codec.h"

namespace etude::run {
namespace {

using Stored = StoredWeightConfig;

StoredNumber number_of(Stored::Weights weights) {
  switch (weights) {
    case Stored::Weights::kInt8:
      return StoredNumber::kInt8;
    case Stored::Weights::kInt4:
      return StoredNumber::kInt4;
    case Stored::Weights::kInt3:
      return StoredNumber::kInt3;
    case Stored::Weights::kFp16:
    case Stored::Weights::kNone:
      break;
  }
  return StoredNumber::kFloat16;
}

[[noreturn]] void refuse(const std::string& key, const std::string& what,
                         const std::string& there) {
  throw UserError(key, what + " is not available", there);
}

void check_form(const Stored& form, const std::string& at) {
  if (form.weights == Stored::Weights::kFp16) {
    refuse(at + "/weights", "decoding fp16 tile by tile", "give int8, int4 or int3");
  }
  if (form.weights != Stored::Weights::kNone && form.code != Stored::Code::kPlain) {
    refuse(at + "/code", "decoding another code than plain tile by tile", "give plain");
  }
  if (form.weights != Stored::Weights::kNone && form.sparsity != 0) {
    refuse(at + "/sparsity", "a step from weights that it prunes itself",
           "leave it out, or give an archive that was pruned");
  }
}

/// In mixed precision filters stay in FP32: packed, they made a LoRA step of CCT-2 7 % longer and 3
/// % dearer than it is without them.
std::vector<compiler::DecodableWeight> decodable(const RootConfig& config, const Graph& graph) {
  auto found = compiler::decodable_weights(graph, compiler::StoragePlan(graph));
  if (config.train.precision == TrainConfig::Precision::kMixedFp16) {
    std::erase_if(found, [&](const compiler::DecodableWeight& weight) {
      return graph.tensor(weight.tensor).shape.size() != 2;
    });
  }
  return found;
}

/// The weights that a configuration wants packed, in order of their tensors.
std::vector<std::pair<compiler::DecodableWeight, compiler::PackedWeight>> wanted(
    const RootConfig& config, const Graph& graph) {
  std::vector<std::pair<compiler::DecodableWeight, compiler::PackedWeight>> found;
  if (!config.compress.packs()) {
    return found;
  }
  std::map<std::string, bool> named;
  for (const auto& [name, form] : config.compress.tensors) {
    named[name] = form.weights == Stored::Weights::kNone;
  }
  for (const auto& weight : decodable(config, graph)) {
    const std::string& name = graph.tensor(weight.tensor).name;
    const auto own = config.compress.tensors.find(name);
    const Stored& form = own == config.compress.tensors.end() ? config.compress : own->second;
    named[name] = true;
    if (form.weights != Stored::Weights::kNone) {
      found.push_back({weight,
                       {{number_of(form.weights), StoredCode::kPlain, weight.outputs_are_rows},
                        weight.rows,
                        weight.cols}});
    }
  }
  for (const auto& [name, there] : named) {
    if (!there) {
      throw UserError("/compress/tensors/" + name,
                      "is no frozen weight that products alone read: no tile of it is decoded",
                      "describe lists those that are");
    }
  }
  return found;
}

/// What no step does yet where weights are packed.
void check_beside(const RootConfig& config) {
  const CompressConfig& compress = config.compress;
  if (compress.home == CompressConfig::Home::kFlash) {
    refuse("/compress/home", "a packed base in flash", "give l2 or extmem");
  }
  if (compress.decode != CompressConfig::Decode::kTile) {
    refuse("/compress/decode", "decoding a whole step's weights at once", "give tile");
  }
  if (compress.decoder.engine != DecoderConfig::Engine::kCores) {
    refuse("/compress/decoder/engine", "another decoder than the cores", "give cores");
  }
  if (!is_plain(config.schedule)) {
    refuse("/schedule", "a schedule beside packed weights", "give policy keep without a budget");
  }
  if (config.run.tier == RunConfig::Tier::kModel) {
    refuse("/run/tier", "the model tier for packed weights", "give cycle");
  }
}

/// The same numbers and scales without a code: what the cores decode tile by tile. Numbers are
/// taken over, not rounded again, whose largest need not be the largest of their type.
PackedTensor plainly(const PackedTensor& packed, const std::string& where) {
  if (packed.form.code == StoredCode::kPlain) {
    return packed;
  }
  PackedTensor plain;
  plain.form = {packed.form.number, StoredCode::kPlain, packed.form.scale_per_row};
  plain.rows = packed.rows;
  plain.cols = packed.cols;
  plain.scales = packed.scales;
  codec::write_plain(packed.form.code == StoredCode::kBitmap ? codec::read_bitmap(packed, where)
                                                             : codec::read_huffman(packed, where),
                     plain);
  return plain;
}

}  // namespace

void check_packed(const RootConfig& config) {
  check_form(config.compress, "/compress");
  for (const auto& [name, form] : config.compress.tensors) {
    check_form(form, "/compress/tensors/" + name);
  }
  check_beside(config);
}

PackedBase pack_base(const RootConfig& config, const Graph& graph, StartValues& values) {
  PackedBase base;
  for (const auto& [weight, packed] : wanted(config, graph)) {
    const std::string& name = graph.tensor(weight.tensor).name;
    std::vector<float>& own = values.at(weight.tensor);
    PackedTensor made = store(own, packed.rows, packed.cols, packed.form, name);
    own = unpack(made, name);
    base.emplace(weight.tensor, std::move(made));
  }
  return base;
}

PackedBase archived_base(const RootConfig& config, const Graph& graph, PackedArchive archive) {
  check_beside(config);
  if (config.compress.packs()) {
    throw UserError("/compress",
                    "names forms of weights, and the archive of /train/initial is packed",
                    "leave out all but home, decode and decoder");
  }
  PackedBase base;
  for (const auto& weight : decodable(config, graph)) {
    const auto found = archive.packed.find(graph.tensor(weight.tensor).name);
    if (found == archive.packed.end()) {
      continue;
    }
    const PackedTensor& packed = found->second;
    const std::string where = config.train.initial + ": '" + found->first + "'";
    if (packed.form.number == StoredNumber::kFloat16) {
      refuse(where, "decoding fp16 tile by tile", "compress with --bits 8, 4 or 3");
    }
    if (packed.rows == weight.rows && packed.cols == weight.cols) {
      base.emplace(weight.tensor, plainly(packed, where));
    }
  }
  return base;
}

compiler::PackedWeights packed_weights(const PackedBase& base, const Graph& graph) {
  compiler::PackedWeights found;
  for (const auto& [tensor, packed] : base) {
    found[graph.tensor(tensor).name] = {packed.form, packed.rows, packed.cols};
  }
  return found;
}

std::vector<MemoryImage> packed_images(const Program& program, const PackedBase& base) {
  std::vector<MemoryImage> images;
  for (const PackedPlace& place : program.packed) {
    const PackedTensor& tensor = base.at(place.tensor);
    images.push_back({place.numbers, tensor.bytes});
    std::vector<std::uint8_t> scales(tensor.scales.size() * sizeof(float));
    std::memcpy(scales.data(), tensor.scales.data(), scales.size());
    images.push_back({place.scales, std::move(scales)});
  }
  return images;
}

nlohmann::json packed_json(const PackedBase& base, const Graph& graph) {
  nlohmann::json weights = nlohmann::json::array(), others = nlohmann::json::array();
  std::uint64_t bytes = 0, plain = 0;
  for (TensorId id = 0; id < graph.tensors().size(); ++id) {
    const Tensor& tensor = graph.tensor(id);
    if (tensor.kind != TensorKind::kParameter || tensor.trainable || tensor.constant ||
        tensor.alias_of) {
      continue;
    }
    const auto found = base.find(id);
    if (found == base.end()) {
      others.push_back(tensor.name);
      continue;
    }
    const PackedTensor& packed = found->second;
    bytes += packed.stored_bytes();
    plain += tensor.bytes();
    weights.push_back({{"name", tensor.name},
                       {"number", "int" + std::to_string(bits_of(packed.form.number))},
                       {"scales", packed.form.scale_per_row ? "rows" : "columns"},
                       {"rows", packed.rows},
                       {"cols", packed.cols},
                       {"bytes", packed.stored_bytes()},
                       {"fp32_bytes", tensor.bytes()}});
  }
  return {{"weights", weights}, {"in_fp32", others}, {"bytes", bytes}, {"fp32_bytes", plain}};
}

PackedTensor packed_from(const PackedTensor& stored, const std::vector<std::uint8_t>& numbers,
                         const std::vector<std::uint8_t>& scales) {
  PackedTensor read = stored;
  read.bytes = numbers;
  read.scales.resize(scales.size() / sizeof(float));
  std::memcpy(read.scales.data(), scales.data(), scales.size());
  return read;
}

}  // namespace etude::run
