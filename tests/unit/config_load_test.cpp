// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "models/base/error.h"
#include "sim/config/json_file.h"
#include "sim/config/load.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace etude;
using Catch::Matchers::Contains;
using Catch::Matchers::Message;
using test::TempFolder;

namespace {
using Sets = std::vector<std::string>;

std::string shipped(const std::string& name) {
  return (test::source_dir() / "configs" / name).string();
}

/// The one line that the user sees, or "" when the configuration is accepted.
std::string refusal(const std::string& text, const Sets& sets = {}) {
  const TempFolder folder;
  std::vector<std::string> warnings;
  try {
    load_config(folder.write("run.json", text), sets, warnings);
  } catch (const UserError& e) {
    std::string line = e.what();
    const std::string place = folder.path().string() + "/";
    for (std::size_t at; (at = line.find(place)) != std::string::npos;) {
      line.erase(at, place.size());
    }
    return line;
  }
  return "";
}

/// A root that is right, with `more` members.
std::string root_with(const std::string& more) {
  return R"({"platform": {}, "workload": {"network": "deep_ae"})" + more + "}";
}
std::string with_platform(const std::string& platform) {
  return R"({"workload": {"network": "deep_ae"}, "platform": )" + platform + "}";
}
}  // namespace

TEST_CASE("the shipped platforms are what their names say", "[config]") {
  const PlatformConfig paper = load_platform(shipped("platform/traindeeploy.json"), {});
  CHECK(paper.cluster.cores == 8);
  CHECK(paper.cluster.harts() == 9);
  CHECK(paper.cluster.redmule.format == RedmuleConfig::Format::kFp32);
  CHECK(paper.cluster.redmule.port_bytes() == 64);
  CHECK(paper.cluster.hci.priority == HciConfig::Priority::kAccelerator);
  CHECK(paper.cluster.hci.max_stall == 8);
  const PlatformConfig rtl = load_platform(shipped("platform/siracusa_redmule.json"), {});
  CHECK(rtl.cluster.redmule.port_bytes() == 9 * 4);
  CHECK(rtl.cluster.hci.priority == HciConfig::Priority::kCores);
  CHECK(rtl.cluster.hci.max_stall == 0);
  const PlatformConfig htif = load_platform(shipped("platform/htif_single.json"), {});
  CHECK(htif.map == MemoryMap::kHtif);
  CHECK(htif.cluster.harts() == 1);
  CHECK(htif.cluster.core.isa == "rv32imfc_zicsr_zifencei");
  CHECK(load_platform(shipped("platform/core_bench.json"), {}).map == MemoryMap::kCoreBench);
}

TEST_CASE("a set option reaches into named files, and takes JSON or a string", "[config]") {
  std::vector<std::string> warnings;
  const RootConfig root =
      load_config(shipped("deep_ae.json"),
                  {"/platform/cluster/cores=3", "/platform/cluster/dma/engine=idma",
                   "/platform/cluster/redmule/enabled=false", "/workload/batch=2",
                   "/tiling/operators/layer0/m=16"},
                  warnings);
  CHECK(root.platform.cluster.cores == 3);
  CHECK(root.platform.cluster.dma.engine == DmaConfig::Engine::kIdma);
  CHECK_FALSE(root.platform.cluster.redmule.enabled);
  CHECK(root.platform.cluster.redmule.height == 4);
  CHECK(root.workload.batch == 2);
  CHECK(root.tiling.operators.at("layer0").m == 16);
  CHECK(root.energy.tcdm_access_16kib.value > 0);
  CHECK(root.is_given("/workload/batch"));
  CHECK_FALSE(root.is_given("/train/rank"));
  CHECK(warnings.empty());
}

TEST_CASE("a later --set sees the file that an earlier one names", "[config]") {
  const PlatformConfig platform =
      load_platform(shipped("platform/traindeeploy.json"),
                    {"/platform=platform/siracusa_redmule.json", "/platform/cluster/cores=2"});
  CHECK(platform.cluster.cores == 2);
  CHECK(platform.cluster.redmule.format == RedmuleConfig::Format::kFp16);
}

TEST_CASE("a file is found beside the naming file and below configs/", "[config]") {
  const TempFolder folder;
  folder.write("mine/soc.json", R"({"cluster": {"cores": 5}})");
  const std::string run = folder.write(
      "mine/run.json", R"({"platform": "soc.json", "workload": {"network": "deep_ae"}})");
  std::vector<std::string> warnings;
  CHECK(load_config(run, {}, warnings).platform.cluster.cores == 5);
  const std::string other = folder.write(
      "run.json",
      R"({"platform": "platform/traindeeploy.json", "workload": {"network": "deep_ae"}})");
  CHECK(load_config(other, {}, warnings).platform.cluster.hci.max_stall == 8);
}

TEST_CASE("keys of a method that is not selected are ignored with one warning", "[config]") {
  const TempFolder folder;
  std::vector<std::string> warnings;
  const RootConfig root = load_config(
      folder.write("run.json", root_with(R"(, "train": {"rank": 8, "k": 2, "alpha": 3})")), {},
      warnings);
  CHECK(root.train.rank == TrainConfig{}.rank);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Contains("/train/k") && Contains("/train/rank") &&
                              Contains("/train/alpha") && Contains("/train/method is full"));
  warnings.clear();
  const RootConfig lora = load_config(
      folder.write("run.json", root_with(R"(, "train": {"rank": 8, "method": "lora"})")), {},
      warnings);
  CHECK(lora.train.rank == 8);
  CHECK(warnings.empty());
}

TEST_CASE("the hash is that of the content, not of names or of what was written out", "[config]") {
  const TempFolder folder;
  std::vector<std::string> warnings;
  const auto hash = [&](const std::string& text) {
    return config_hash(load_config(folder.write("run.json", text), {}, warnings));
  };
  folder.write("a.npz", "numbers");
  folder.write("b.npz", "numbers");
  folder.write("c.npz", "other numbers");
  const auto with_inputs = [&](const std::string& name) {
    return hash(R"({"platform": {}, "workload": {"network": "deep_ae", "inputs": ")" + name +
                "\"}}");
  };
  CHECK(hash(root_with("")).size() == 64);
  CHECK(hash(root_with("")) == hash(root_with(R"(, "train": {"steps": 1})")));
  CHECK(hash(root_with("")) != hash(root_with(R"(, "train": {"steps": 2})")));
  CHECK(with_inputs("a.npz") == with_inputs("b.npz"));
  CHECK(with_inputs("a.npz") != with_inputs("c.npz"));
  // SHA-256 of "abc", FIPS 180-2, appendix B.1.
  CHECK(content_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("the resolved file can be run again and says the same", "[config]") {
  const TempFolder folder;
  std::vector<std::string> warnings;
  const RootConfig first =
      load_config(shipped("deep_ae.json"), {"/tiling/operators/fc/k=8"}, warnings);
  std::string text = resolved_json(first);
  if (const std::size_t at = text.find("\"sha256:"); at != std::string::npos) {
    text.replace(at, text.find('"', at + 1) + 1 - at, "\"" + first.workload.inputs + "\"");
  }
  const RootConfig second = load_config(folder.write("again.json", text), {}, warnings);
  CHECK(resolved_json(first) == resolved_json(second));
}

TEST_CASE("wrong input names the place, the value and what is allowed", "[config]") {
  using Case = std::pair<std::string, std::string>;
  const auto [text, line] = GENERATE(
      Case{with_platform(R"({"cluster": {"coers": 4}})"),
           "run.json: /platform/cluster/coers: unknown key \"coers\"; did you mean \"cores\"?"},
      Case{with_platform(R"({"cores": 4})"),
           "run.json: /platform/cores: unknown key \"cores\"; did you mean "
           "/platform/cluster/cores?"},
      Case{with_platform(R"({"cluster": {"cores": 0}})"),
           "run.json: /platform/cluster/cores: 0 is out of range; give an integer from 1 to 16"},
      Case{with_platform(R"({"cluster": {"cores": -1}})"),
           "run.json: /platform/cluster/cores: -1 is out of range; give an integer from 1 to 16"},
      Case{with_platform(R"({"cluster": {"cores": "8"}})"),
           "run.json: /platform/cluster/cores: \"8\" has the wrong type; give an integer from 1 to "
           "16"},
      Case{with_platform(R"({"cluster": {"cores": 16}})"),
           "/platform/cluster/cores: 16 workers and a controller are 17 harts; at most 16 "
           "together: fewer cores, or controller false"},
      Case{with_platform(R"({"cluster": {"first_hart": 5}})"),
           "/platform/cluster/first_hart: 5 is no number of a first core; give a multiple of 32 on "
           "the pulp map"},
      Case{with_platform(R"({"cluster": {"tcdm": {"banks": 3}}})"),
           "run.json: /platform/cluster/tcdm/banks: 3 is no power of two; give an integer from 1 "
           "to 64, a power of two"},
      Case{with_platform(R"({"cluster": {"tcdm": {"size": 100001}}})"),
           "/platform/cluster/tcdm/size: 100001 bytes do not divide into 16 banks of words; give a "
           "multiple of 64"},
      Case{with_platform(R"({"cluster": {"redmule": {"height": 8}}})"),
           "/platform/cluster/redmule: its port of 68 bytes (height 8, pipe 3) is wider than the "
           "16 banks; at most 4 bytes per bank: more /platform/cluster/tcdm/banks, or a smaller "
           "height or pipe"},
      Case{with_platform(R"({"cluster": 4})"),
           "run.json: /platform/cluster: 4 is not a section; give an object, or the name of a JSON "
           "file that holds one"},
      Case{with_platform(R"("nowhere.json")"),
           "run.json: /platform: no file \"nowhere.json\"; give a file that exists here, beside "
           "the naming file or below configs/"},
      Case{R"({"platform": {}})",
           "run.json: no /workload; give the section, as in "
           "configs/deep_ae.json"},
      Case{root_with(R"(, "train": {"method": "qlora"})"),
           "run.json: /train/method: \"qlora\" is unknown here; give one of \"full\", \"last_k\", "
           "\"lora\", \"linear_probe\", \"none\""},
      Case{root_with(R"(, "train": {"lr": 1e999})"),
           "run.json: number overflow parsing '1e999'; give well-formed JSON"},
      Case{root_with(",\n  \"train\": {\"lr\" 1}"),
           "run.json: line 2, column 18: syntax error while parsing object separator - unexpected "
           "number literal; expected ':'; give well-formed JSON"},
      Case{root_with(R"(, "platform": {})"),
           "run.json: key \"platform\" stands twice in one object; keep one of them"},
      Case{"[]", "run.json: the file holds no JSON object; begin it with {"},
      Case{R"({"platform": {}, "workload": {}})",
           "/workload: neither network nor onnx is given; give exactly one of /workload/network "
           "and /workload/onnx"},
      Case{root_with(R"(, "energy": {"name": "x"})"),
           "run.json: /energy: /energy/node_nm is missing; give a number above 0 and up to 1000 "
           "(nm)"});
  CHECK(refusal(text) == line);
}

TEST_CASE("an energy table of another version is refused with one line", "[config]") {
  // a key that it has and this version has not, one that it lacks, a range the wrong way round
  CHECK(
      refusal(root_with(""), {R"(/energy/static/tcdm_bank={"value": 5.2})"}) ==
      "--set /energy/static/tcdm_bank: unknown key \"tcdm_bank\"; nearest known key \"sram_kib\"; "
      "known here: background_cycle, cluster, core, sram_kib, logic_mm2");
  CHECK_THAT(
      refusal(root_with(""), {R"(/energy/tcdm={"access": {"value": 0.62}})"}),
      Catch::StartsWith("--set /energy/tcdm/access: unknown key \"access\"; nearest known key "
                        "\"access_2kib\"; known here: access_2kib, "));
  CHECK_THAT(refusal(root_with(""), {"/energy/area={}"}),
             Catch::EndsWith("/energy: /energy/area/gate/value is missing; give a number from 0 to "
                             "1000000000000 (um2)"));
  CHECK(refusal(root_with(""), {"/energy/extmem/byte/low=900"}) ==
        "/energy/extmem/byte: low 900.0 is above high 880.0; give a range that holds the value, or "
        "neither");
}

TEST_CASE("a wrong --set is refused with what to write", "[config]") {
  const std::string remedy = "; write --set /json/pointer=VALUE, as /platform/cluster/cores=4";
  CHECK(refusal(root_with(""), {"/platform/cluster/cores"}) ==
        "--set /platform/cluster/cores: no '='" + remedy);
  CHECK(refusal(root_with(""), {"platform/cluster/cores=4"}) ==
        "--set platform/cluster/cores=4: the pointer does not begin with '/'" + remedy);
  CHECK(refusal(root_with(""), {"/a~2=4"}) ==
        "--set /a~2=4: '~' stands alone in the pointer (write ~0)" + remedy);
  CHECK(refusal(root_with(""), {"/platform/cluster/cores=many"}) ==
        "--set /platform/cluster/cores: \"many\" has the wrong type; give an integer from 1 to 16");
  CHECK(refusal(root_with(R"(, "train": {"layers": ["a"], "method": "lora"})"),
                {"/train/layers/7=b"}) ==
        "--set /train/layers/7=b: /train/layers is a list of 1; give an index from 0 to 1");
  CHECK(refusal(root_with(""), {"/workload/network/x=1"}) ==
        "--set /workload/network/x=1: /workload/network is \"deep_ae\", which has no keys; end the "
        "pointer there");
}

TEST_CASE("files that name each other are refused", "[config]") {
  const TempFolder folder;
  folder.write("a.json", R"({"cluster": "b.json"})");
  folder.write("b.json", R"({"redmule": "b.json"})");
  // b.json at /platform/cluster/redmule holds a key that is unknown there.
  CHECK_THROWS_WITH(load_platform((folder.path() / "a.json").string(), {}),
                    Contains("unknown key") || Contains("circle"));
}

TEST_CASE("stored forms: one weight has all weights' keys where its own are not given",
          "[config]") {
  std::vector<std::string> warnings;
  const TempFolder folder;
  const std::string file = folder.write(
      "run.json", root_with(R"(, "compress": {"weights": "int4", "sparsity": 0.5, "code": "bitmap",
        "decoder": "stream", "tensors": {"a/w": "int8", "b": {"code": "plain"}, "c": "none"}})"));
  const CompressConfig compress = load_config(file, {}, warnings).compress;
  CHECK(warnings.empty());
  CHECK(compress.packs());
  CHECK(compress.decoder.engine == DecoderConfig::Engine::kStream);
  const StoredWeightConfig& a = compress.tensors.at("a/w");
  CHECK(a.weights == CompressConfig::Weights::kInt8);
  CHECK(a.sparsity == 0.5);
  CHECK(a.code == CompressConfig::Code::kBitmap);
  CHECK(compress.tensors.at("b").code == CompressConfig::Code::kPlain);
  CHECK(compress.tensors.at("b").weights == CompressConfig::Weights::kInt4);
  CHECK(compress.tensors.at("c").weights == CompressConfig::Weights::kNone);
}

TEST_CASE("without stored forms the resolved file is what it was", "[config]") {
  std::vector<std::string> warnings;
  const RootConfig plain = load_config(shipped("deep_ae.json"), {}, warnings);
  CHECK(resolved_json(plain).find("compress") == std::string::npos);
  const RootConfig packed =
      load_config(shipped("deep_ae.json"), {"/compress/weights=int8"}, warnings);
  CHECK(resolved_json(packed).find("\"weights\": \"int8\"") != std::string::npos);
  CHECK(config_hash(plain) != config_hash(packed));
}

TEST_CASE("stored forms that do not go together are refused", "[config]") {
  const auto refused = [](const std::string& keys) {
    return refusal(root_with(R"(, "compress": )" + keys));
  };
  CHECK_THAT(refused(R"({"weights": "int2"})"), Contains("/compress/weights") && Contains("int3"));
  CHECK_THAT(refused(R"({"weights": "int8", "pattern": "2:4"})"), Contains("/compress/pattern"));
  CHECK_THAT(refused(R"({"weights": "fp16", "code": "huffman"})"), Contains("/compress/code"));
  CHECK_THAT(refused(R"({"weights": "int8", "code": "huffman", "tensors": {"x": "fp16"}})"),
             Contains("/compress/tensors/x/code"));
  CHECK_THAT(refused(R"({"weights": "int8", "decoder": "corse"})"),
             Contains("/compress/decoder/engine") && Contains("stream"));
  CHECK_THAT(refused(R"({"weights": "int8", "sparsity": 1})"), Contains("/compress/sparsity"));
  CHECK_THAT(refused(R"({"tensors": {"x": {"wieghts": "int8"}}})"), Contains("\"weights\""));
}
