// SPDX-License-Identifier: Apache-2.0
#include "sim/config/load.h"

#include <algorithm>
#include <cmath>

#include "models/base/error.h"
#include "sim/config/check.h"
#include "sim/config/declarations.h"
#include "sim/config/json_file.h"
#include "sim/config/tree.h"

namespace etude {
namespace {

/// What stands for "*" of `path` in `pointer`.
std::string star_of(const std::string& path, const std::string& pointer) {
  const auto wanted = pointer_elements(path);
  const auto given = pointer_elements(pointer);
  const auto star = std::find(wanted.begin(), wanted.end(), "*");
  return star == wanted.end() ? "" : given[static_cast<std::size_t>(star - wanted.begin())];
}

/// Walks the raw tree and stores each checked value in its struct member.
class Reader {
 public:
  Reader(const ParameterTable& table, const ConfigTree& tree, RootConfig& config)
      : table_(table), tree_(tree), config_(config) {}

  void read(const std::string& pointer, const Json& node) {
    for (const auto& item : node.items()) {
      const std::string below = pointer + "/" + pointer_escape(item.key());
      const Parameter* parameter = tree_.declared().at(below);
      if (parameter != nullptr) {
        store(*parameter, below, item.value());
      } else if (!tree_.declared().is_section(below)) {
        throw UserError(tree_.where(below), "unknown key \"" + item.key() + "\"",
                        suggestion(table_, below));
      } else if (!item.value().is_object()) {
        throw UserError(tree_.where(below), shown(item.value()) + " is not a section",
                        "give an object, or the name of a JSON file that holds one");
      } else {
        config_.given.insert(below);
        read(below, item.value());
      }
    }
  }

 private:
  void store(const Parameter& p, const std::string& pointer, Json value) {
    check_value(p, value, tree_.where(pointer));
    if (p.kind == ParameterKind::kFile && !value.get<std::string>().empty()) {
      const auto file = find_file(value.get<std::string>(), tree_.origin(pointer));
      if (!file) {
        throw UserError(tree_.where(pointer), "no file " + shown(value),
                        "give a file that exists here, beside the naming file or below configs/");
      }
      value = file->string();
    }
    if (p.kind == ParameterKind::kInteger && value.is_number_float()) {
      value = static_cast<std::uint64_t>(value.get<double>());
    }
    p.set(config_, star_of(p.path, pointer), value);
    config_.given.insert(pointer);
  }

  const ParameterTable& table_;
  const ConfigTree& tree_;
  RootConfig& config_;
};

/// Required keys of every section that is there at all.
void check_required(const ParameterTable& table, const ConfigTree& tree, const RootConfig& config) {
  for (const Parameter& p : table) {
    const std::string section = "/" + pointer_elements(p.path).front();
    if (p.text.required && config.is_given(section) && !config.is_given(p.path)) {
      throw UserError(tree.where(section), p.path + " is missing", "give " + allowed_text(p));
    }
  }
}

/// Puts the default back where a key does not count; one warning names them all.
void drop_unselected(const ParameterTable& table, RootConfig& config,
                     std::vector<std::string>& warnings) {
  const RootConfig defaults;
  std::string named;
  for (const Parameter& p : table) {
    if (!p.text.only_if || !config.is_given(p.path)) {
      continue;
    }
    const Selector& selector = *p.text.only_if;
    const auto chooser = std::find_if(table.begin(), table.end(), [&](const Parameter& candidate) {
      return candidate.path == selector.path;
    });
    const Json value = chooser->get(config, "");
    const std::string word = value.is_string() ? value.get<std::string>() : value.dump();
    if (std::find(selector.values.begin(), selector.values.end(), word) == selector.values.end()) {
      p.set(config, "", p.get(defaults, ""));
      named += (named.empty() ? "" : ", ") + p.path + " (" + selector.path + " is " + word + ")";
    }
  }
  if (!named.empty()) {
    warnings.push_back("ignored, because not selected: " + named);
  }
}

/// Gives the members of a section "*" what the section two levels above has, where their own keys
/// are not given.
void inherit(const ParameterTable& table, RootConfig& config) {
  for (const Parameter& p : table) {
    if (!p.text.inherited) {
      continue;
    }
    const std::size_t star = p.path.find('*');
    const std::size_t above = p.path.rfind('/', star - 2);
    const std::string from = p.path.substr(0, above) + p.path.substr(star + 1);
    const auto parent = std::ranges::find(table, from, &Parameter::path);
    for (const std::string& key : p.keys(config)) {
      if (!config.is_given(p.path.substr(0, star) + pointer_escape(key) +
                           p.path.substr(star + 1))) {
        p.set(config, key, parent->get(config, ""));
      }
    }
  }
}

RootConfig read_tree(const ParameterTable& table, ConfigTree& tree,
                     std::vector<std::string>& warnings) {
  tree.expand();
  RootConfig config;
  Reader(table, tree, config).read("", tree.root());
  check_required(table, tree, config);
  drop_unselected(table, config, warnings);
  inherit(table, config);
  check_ranges(config.energy);
  return config;
}

/// `value` at a pointer whose elements are made where they are missing.
void put_at(Json& root, const std::vector<std::string>& elements, Json value) {
  Json* node = &root;
  for (const std::string& element : elements) {
    node = &(*node)[element];
  }
  *node = std::move(value);
}

/// Puts a root file and the settings into a tree.
void fill_root(ConfigTree& tree, const std::string& path, const std::vector<std::string>& sets) {
  tree.put_file("", path, {});
  if (!tree.root().contains("energy")) {
    tree.put("/energy", "energy/22fdx.json");
  }
  for (const std::string& assignment : sets) {
    tree.set(assignment);
  }
  for (const char* section : {"platform", "workload"}) {
    if (!tree.root().contains(section)) {
      throw UserError(path, "no /" + std::string(section),
                      "give the section, as in configs/deep_ae.json");
    }
  }
}
}  // namespace

RootConfig load_config(const std::string& path, const std::vector<std::string>& sets,
                       std::vector<std::string>& warnings) {
  const ParameterTable table = declare_parameters();
  ConfigTree tree(table);
  fill_root(tree, path, sets);
  const RootConfig config = read_tree(table, tree, warnings);
  check_combinations(config);
  return config;
}

void check_keys(const std::string& path, const std::vector<std::string>& sets) {
  const ParameterTable table = declare_parameters();
  ConfigTree tree(table);
  fill_root(tree, path, sets);
  std::vector<std::string> ignored;
  read_tree(table, tree, ignored);
}

PlatformConfig load_platform(const std::string& path, const std::vector<std::string>& sets,
                             std::vector<std::string>& warnings) {
  const ParameterTable table = declare_parameters();
  ConfigTree tree(table);
  if (!path.empty()) {
    tree.put_file("/platform", path, {});
  }
  for (const std::string& assignment : sets) {
    tree.set(assignment);
  }
  const RootConfig config = read_tree(table, tree, warnings);
  check_combinations(config.platform);
  return config.platform;
}

PlatformConfig load_platform(const std::string& path, const std::vector<std::string>& sets) {
  std::vector<std::string> ignored;
  return load_platform(path, sets, ignored);
}

RootConfig load_for_pricing(const std::string& resolved, const std::vector<std::string>& sets) {
  const ParameterTable table = declare_parameters();
  const Json run = read_json_file(resolved);
  ConfigTree tree(table);
  for (const char* section : {"platform", "energy"}) {
    if (!run.is_object() || !run.contains(section)) {
      throw UserError(resolved, "no /" + std::string(section),
                      "give the folder that etude-sim run wrote");
    }
    tree.put("/" + std::string(section), run.at(section), resolved);
  }
  for (const std::string& assignment : sets) {
    tree.set(assignment);
  }
  std::vector<std::string> ignored;
  const RootConfig config = read_tree(table, tree, ignored);
  check_combinations(config.platform);
  return config;
}

std::string file_hash(const RootConfig& config, const std::string& pointer,
                      const std::string& file) {
  const std::string own = file_content_hash(file, pointer);
  const auto found = config.parts.find(pointer);
  if (found == config.parts.end() || found->second.empty()) {
    return own;
  }
  std::string all = own;
  for (const std::string& part : found->second) {
    all += "\n" + file_content_hash(part, pointer);
  }
  return content_hash(all);
}

std::string resolved_json(const RootConfig& config) {
  const RootConfig defaults;
  Json root = Json::object();
  for (const Parameter& p : declare_parameters()) {
    const auto keys = p.keys ? p.keys(config) : std::vector<std::string>{""};
    for (const std::string& key : keys) {
      auto elements = pointer_elements(p.path);
      std::replace(elements.begin(), elements.end(), std::string("*"), key);
      Json value = p.get(config, key);
      if (p.text.range.above_min && value == p.text.range.min) {
        continue;  // what is not given is not of its range
      }
      if (p.text.silent && !p.keys && value == p.get(defaults, "")) {
        continue;
      }
      if (p.kind == ParameterKind::kFile && value != "") {
        value = "sha256:" + file_hash(config, p.path, value.get<std::string>());
      }
      put_at(root, elements, std::move(value));
    }
  }
  return root.dump(2) + "\n";
}

std::string resolved_platform(const PlatformConfig& platform) {
  RootConfig config;
  config.platform = platform;
  return Json::parse(resolved_json(config)).at("platform").dump();
}

PlatformConfig platform_of_resolved(const std::string& text) {
  const ParameterTable table = declare_parameters();
  ConfigTree tree(table);
  tree.put("/platform", Json::parse(text));
  std::vector<std::string> ignored;
  const RootConfig config = read_tree(table, tree, ignored);
  check_combinations(config.platform);
  return config.platform;
}

std::string config_hash(const RootConfig& config) { return content_hash(resolved_json(config)); }

}  // namespace etude
