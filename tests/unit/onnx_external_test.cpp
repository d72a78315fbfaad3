// SPDX-License-Identifier: Apache-2.0
// Data of constants in files beside the model.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "models/base/error.h"
#include "tests/support/onnx_bytes.h"
#include "tests/support/temp_folder.h"
#include "workloads/onnx/onnx_import.h"

namespace etude {
namespace {

using namespace test;
namespace fs = std::filesystem;
using Entries = std::vector<std::pair<std::string, std::string>>;

/// A folder models/ with a file of the bytes of 0, 1, 2 ... as floats, beside a file outside.
class Models {
 public:
  Models() {
    fs::create_directories(home() / "deep");
    std::string bytes;
    for (int i = 0; i < 20; ++i) {
      const auto value = static_cast<float>(i);
      bytes.append(reinterpret_cast<const char*>(&value), 4);
    }
    for (const fs::path& file : {home() / "w.data", home() / "deep" / "w.data", outside()}) {
      std::ofstream(file, std::ios::binary) << bytes;
    }
  }
  fs::path home() const { return folder_.path() / "models"; }
  fs::path outside() const { return folder_.path() / "outside.data"; }

  OnnxModel read(const Entries& entries, const std::vector<std::int64_t>& shape = {3, 4}) const {
    OnnxGraph graph;
    graph.nodes = {onnx_node("MatMul", "fc", {"x", "w"}, {"y"})};
    graph.constants = {onnx_external("w", shape, entries)};
    graph.inputs = {onnx_value("x", {2, 3})};
    graph.outputs = {onnx_value("y", {2, 4})};
    std::ofstream(home() / "model.onnx", std::ios::binary) << graph.model();
    return read_onnx(home() / "model.onnx");
  }

  void refused(const Entries& entries, const std::string& text,
               const std::vector<std::int64_t>& shape = {3, 4}) const {
    try {
      read(entries, shape);
      FAIL("read, and should have said " << text);
    } catch (const UserError& error) {
      INFO(error.what());
      const std::string line = error.what();
      CHECK(line.find(text) != std::string::npos);
      CHECK(line.find("'w'") != std::string::npos);
      CHECK(line.find('\n') == std::string::npos);
    }
  }

 private:
  TempFolder folder_;
};

TEST_CASE("data beside the model are read from offset and length") {
  const Models models;
  const OnnxModel model = models.read({{"location", "w.data"}, {"offset", "12"}, {"length", "48"}});
  std::vector<float> expected;
  for (int i = 3; i < 15; ++i) {
    expected.push_back(static_cast<float>(i));
  }
  CHECK(model.start.at(*model.network.graph.find("w")) == expected);
  REQUIRE(model.data_files.size() == 1);
  CHECK(model.data_files[0] == models.home() / "w.data");
  CHECK_NOTHROW(models.read({{"location", "deep/w.data"}, {"length", "48"}}));
  CHECK_NOTHROW(models.read({{"location", "w.data"}, {"offset", "32"}}));  // to the end
  fs::create_symlink("w.data", models.home() / "link");
  CHECK_NOTHROW(models.read({{"location", "link"}, {"length", "48"}}));
}

TEST_CASE("nothing outside of the model's folder is read") {
  const Models models;
  models.refused({{"location", models.outside().string()}, {"length", "48"}}, "beside the model");
  models.refused({{"location", "../outside.data"}, {"length", "48"}}, "../outside.data");
  models.refused({{"location", "deep/../w.data"}, {"length", "48"}}, "beside the model");
  fs::create_symlink(models.outside(), models.home() / "link");
  models.refused({{"location", "link"}, {"length", "48"}}, "leaves the folder");
  fs::create_directory_symlink("..", models.home() / "up");
  models.refused({{"location", "up/outside.data"}, {"length", "48"}}, "leaves the folder");
}

TEST_CASE("files and numbers that do not fit are refused, with tensor and file") {
  const Models models;
  models.refused({}, "''");
  models.refused({{"location", "none.data"}}, "'none.data', which is not there");
  models.refused({{"location", "deep"}}, "which is no file");
  mkfifo((models.home() / "pipe").c_str(), 0600);
  models.refused({{"location", "pipe"}}, "which is no file");
  models.refused({{"location", std::string("w\n\0x", 4)}}, "'w??x'");
  const auto with = [&](const std::string& key, const std::string& value) {
    return Entries{{"location", "w.data"}, {key, value}};
  };
  models.refused(with("length", "44"), "44 bytes in 'w.data', and its shape has 48");
  models.refused(with("length", "18446744073709551615"), "18446744073709551615 bytes");
  models.refused(with("length", "-48"), "length '-48'");
  models.refused(with("length", "48 "), "length '48 '");
  models.refused(with("offset", ""), "offset ''");
  models.refused(with("offset", "99999999999999999999999"), "offset");
  models.refused(with("offset", "81"), "begins at byte 81 of 'w.data', which has 80");
  models.refused(with("checksum", "00"), "'checksum'");
  models.refused(with("location", "w.data"), "twice");
  models.refused({{"location", "w.data"}, {"offset", "40"}, {"length", "48"}}, "which has 80");
  // As large as its shape says, and not there: nothing is allocated for it.
  models.refused({{"location", "w.data"}, {"length", "1073741824"}}, "which has 80",
                 {16384, 16384});
  models.refused({{"location", "w.data"}}, "80 bytes in 'w.data'", {16384, 16384});
}

}  // namespace
}  // namespace etude
