// SPDX-License-Identifier: Apache-2.0
// Declarations below /compress.
#include "sim/config/declarations.h"

namespace etude {
namespace {

using Stored = StoredWeightConfig;

/// The keys of a stored form, of all weights or of one. One weight has the others' where its own
/// are not given.
void declare_form(Section<Stored> section, bool of_one) {
  const auto only_if =
      of_one ? std::nullopt
             : std::optional(Selector{"/compress/weights", {"fp16", "int8", "int4", "int3"}});
  const std::string whose = of_one ? " Without it: that of all weights." : "";
  section
      .add("weights", &Stored::weights,
           Choices<Stored::Weights>{{"none", Stored::Weights::kNone},
                                    {"fp16", Stored::Weights::kFp16},
                                    {"int8", Stored::Weights::kInt8},
                                    {"int4", Stored::Weights::kInt4},
                                    {"int3", Stored::Weights::kInt3}},
           {.sentence = of_one ? "Numbers of that frozen weight (a parameter's name); the word "
                                 "alone may stand for the section." +
                                     whose
                               : "Numbers that stand for frozen weights: FP32 as they are, half "
                                 "precision, or integers with an FP32 scale per channel.",
            .source = "docs/compress.md",
            .silent = true,
            .inherited = of_one,
            .names_section = of_one})
      .add("sparsity", &Stored::sparsity,
           {.sentence = "Part of the weights that is set to zero, the smallest magnitudes." + whose,
            .source = "docs/compress.md",
            .range = {.max = 0.99},
            .only_if = only_if,
            .silent = true,
            .inherited = of_one})
      .add("pattern", &Stored::pattern,
           Choices<Stored::Pattern>{{"free", Stored::Pattern::kFree},
                                    {"2:4", Stored::Pattern::kTwoOfFour}},
           {.sentence =
                "Which may be zero: any, or two of each four along a row (sparsity 0.5)." + whose,
            .source = "docs/compress.md",
            .only_if = only_if,
            .silent = true,
            .inherited = of_one})
      .add("code", &Stored::code,
           Choices<Stored::Code>{{"plain", Stored::Code::kPlain},
                                 {"bitmap", Stored::Code::kBitmap},
                                 {"huffman", Stored::Code::kHuffman}},
           {.sentence = "How the numbers stand: one after the other, a bit for each and those that "
                        "are not zero, or a canonical Huffman code." +
                        whose,
            .source = "docs/compress.md",
            .only_if = only_if,
            .silent = true,
            .inherited = of_one});
}

void declare_tensors(ParameterTable& table) {
  declare_form(
      {table, "/compress/tensors/*",
       [](RootConfig& c, const std::string& name) -> Stored& { return c.compress.tensors[name]; },
       [](const RootConfig& c) {
         std::vector<std::string> names;
         for (const auto& [name, form] : c.compress.tensors) {
           names.push_back(name);
         }
         return names;
       }},
      true);
}

}  // namespace

void declare_compress(ParameterTable& table) {
  using Home = CompressConfig::Home;
  using Decode = CompressConfig::Decode;
  declare_form(
      {table, "/compress", [](RootConfig& c, const std::string&) -> Stored& { return c.compress; }},
      false);
  Section<CompressConfig>(
      table, "/compress",
      [](RootConfig& c, const std::string&) -> CompressConfig& { return c.compress; })
      .add(
          "home", &CompressConfig::home,
          Choices<Home>{{"l2", Home::kL2}, {"extmem", Home::kExtmem}, {"flash", Home::kFlash}},
          {.sentence = "Where packed weights stand.", .source = "docs/compress.md", .silent = true})
      .add(
          "decode", &CompressConfig::decode,
          Choices<Decode>{
              {"tile", Decode::kTile}, {"step", Decode::kStep}, {"boot", Decode::kBoot}},
          {.sentence = "When they are decoded: into a tile in L1 at each use, once a step, or once "
                       "before the first.",
           .source = "docs/compress.md",
           .silent = true});
  Section<DecoderConfig>(
      table, "/compress/decoder",
      [](RootConfig& c, const std::string&) -> DecoderConfig& { return c.compress.decoder; })
      .add("engine", &DecoderConfig::engine,
           Choices<DecoderConfig::Engine>{{"cores", DecoderConfig::Engine::kCores},
                                          {"stream", DecoderConfig::Engine::kStream}},
           {.sentence = "Who decodes: the cores, or a unit that decodes a stream of packed weights "
                        "into L1; the word alone may stand for the section.",
            .source = "docs/compress.md",
            .silent = true,
            .names_section = true})
      .add("weights_per_cycle", &DecoderConfig::weights_per_cycle,
           {.sentence = "Weights that the stream decoder writes per cycle.",
            .source = "assumed",
            .range = {.above_min = true, .max = 64},
            .only_if = Selector{"/compress/decoder/engine", {"stream"}},
            .silent = true});
  declare_tensors(table);
}

}  // namespace etude
