// SPDX-License-Identifier: Apache-2.0
// etude-sim config: the documents that are made from the declarations, and a resolved run.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "cli/commands.h"
#include "models/base/error.h"
#include "sim/config/documents.h"
#include "sim/config/load.h"

namespace etude::cli {
namespace {

void write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  if (!(out << text) || !out.flush()) {
    throw UserError(file.string(), "cannot be written", "give a folder that can");
  }
}

void write_documents(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder / "schema", error);
  write_file(folder / "README.md", config_readme());
  for (const auto& [name, text] : config_schemas()) {
    write_file(folder / "schema" / name, text);
  }
}
}  // namespace

void add_config(CLI::App& app, int& status) {
  CLI::App* config = app.add_subcommand("config", "Documents of the configuration; resolved runs");
  config->require_subcommand(1);

  CLI::App* readme = config->add_subcommand("readme", "Print configs/README.md");
  readme->callback([] { std::cout << config_readme(); });

  CLI::App* schema = config->add_subcommand("schema", "Print one JSON Schema");
  auto name = std::make_shared<std::string>("config.json");
  schema->add_option("name", *name, "config.json, platform.json, ...");
  schema->callback([name] {
    const auto files = config_schemas();
    const auto file = files.find(*name);
    if (file == files.end()) {
      throw UserError(*name, "no such schema", "give config.json or <section>.json");
    }
    std::cout << file->second;
  });

  CLI::App* write = config->add_subcommand("write", "Write README.md and schema/ into a folder");
  auto folder = std::make_shared<std::string>("configs");
  write->add_option("folder", *folder, "configs/ of the source tree");
  write->callback([folder] { write_documents(*folder); });

  CLI::App* resolve = config->add_subcommand("resolve", "Print a run with every default filled in");
  auto path = std::make_shared<std::string>();
  auto sets = std::make_shared<std::vector<std::string>>();
  resolve->add_option("config", *path, "Root configuration")->required();
  resolve->add_option("--set", *sets, "/json/pointer=VALUE")->allow_extra_args(false);
  resolve->callback([path, sets] {
    std::vector<std::string> warnings;
    const RootConfig root = load_config(*path, *sets, warnings);
    for (const std::string& warning : warnings) {
      std::cerr << "etude-sim: warning: " << warning << '\n';
    }
    std::cout << resolved_json(root);
  });
  (void)status;
}

}  // namespace etude::cli
