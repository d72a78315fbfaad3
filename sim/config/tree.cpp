// SPDX-License-Identifier: Apache-2.0
#include "sim/config/tree.h"

#include <algorithm>
#include <string_view>

#include "models/base/error.h"
#include "sim/config/json_file.h"

namespace etude {
namespace {
constexpr int kDeepestNesting = 16;  // files that name files; deeper is a circle
}

std::vector<std::string> pointer_elements(const std::string& pointer) {
  std::vector<std::string> elements;
  for (std::size_t at = 0; at < pointer.size();) {
    const std::size_t end = std::min(pointer.find('/', at + 1), pointer.size());
    std::string element;
    for (std::size_t i = at + 1; i < end; ++i) {
      if (pointer[i] == '~' && i + 1 < end) {
        element += pointer[++i] == '1' ? '/' : '~';
      } else {
        element += pointer[i];
      }
    }
    elements.push_back(element);
    at = end;
  }
  return elements;
}

std::string pointer_escape(const std::string& element) {
  std::string escaped;
  for (const char c : element) {
    escaped += c == '~' ? std::string("~0") : c == '/' ? std::string("~1") : std::string(1, c);
  }
  return escaped;
}

std::filesystem::path ConfigTree::origin(const std::string& pointer) const {
  for (std::string prefix = pointer;; prefix = prefix.substr(0, prefix.rfind('/'))) {
    if (const auto found = origins_.find(prefix); found != origins_.end()) {
      return found->second;
    }
    if (prefix.empty()) {
      return {};
    }
  }
}

std::string ConfigTree::where(const std::string& pointer) const {
  const std::filesystem::path file = origin(pointer);
  const std::string shown = pointer.empty() ? "/" : pointer;
  return file.empty() ? "--set " + shown : file.string() + ": " + shown;
}

void ConfigTree::put(const std::string& pointer, Json value, const std::filesystem::path& origin) {
  origins_.erase(origins_.lower_bound(pointer + "/"), origins_.lower_bound(pointer + "0"));
  origins_[pointer] = origin;
  root_[Json::json_pointer(pointer)] = std::move(value);
}

void ConfigTree::put_file(const std::string& pointer, const std::string& name,
                          const std::filesystem::path& named_in) {
  const std::string place = pointer.empty() ? name : where(pointer);
  auto file = find_file(name, named_in);
  if (!file && !pointer.empty()) {  // a preset by its name: configs/platform/NAME.json
    file = find_file(pointer.substr(1) + "/" + name + ".json", named_in);
  }
  if (!file) {
    throw UserError(place, pointer.empty() ? "no such file" : "no file \"" + name + "\"",
                    "give a file that exists here, beside the naming file or below configs/");
  }
  Json content = read_json_file(*file);
  if (!content.is_object()) {
    throw UserError(file->string(), "the file holds no JSON object", "begin it with {");
  }
  put(pointer, std::move(content), *file);
}

void ConfigTree::expand_below(const std::string& pointer, Json& node, int depth) {
  if (node.is_string() && !pointer.empty() && declared_.is_section(pointer)) {
    if (const std::string key = declared_.named_by_string(pointer); !key.empty()) {
      node = Json{{key, node}};
      return;
    }
    if (depth > kDeepestNesting) {
      throw UserError(where(pointer), "files name each other in a circle", "break the circle");
    }
    put_file(pointer, node.get<std::string>(), origin(pointer));
    expand_below(pointer, root_[Json::json_pointer(pointer)], depth + 1);
  } else if (node.is_object()) {
    std::vector<std::string> keys;
    for (const auto& item : node.items()) {
      keys.push_back(item.key());
    }
    for (const std::string& key : keys) {
      const std::string below = pointer + "/" + pointer_escape(key);
      expand_below(below, root_[Json::json_pointer(below)], depth);
    }
  }
}

void ConfigTree::expand() { expand_below("", root_, 0); }

void ConfigTree::set(const std::string& assignment) {
  const std::size_t equal = assignment.find('=');
  const std::string pointer = assignment.substr(0, equal);
  const std::string place = "--set " + assignment;
  const auto refuse = [&](const std::string& wrong) {
    throw UserError(place, wrong, "write --set /json/pointer=VALUE, as /platform/cluster/cores=4");
  };
  if (equal == std::string::npos) {
    refuse("no '='");
  }
  if (pointer.size() < 2 || pointer[0] != '/') {
    refuse("the pointer does not begin with '/'");
  }
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '~' &&
        (i + 1 == pointer.size() || (pointer[i + 1] != '0' && pointer[i + 1] != '1'))) {
      refuse("'~' stands alone in the pointer (write ~0)");
    }
  }
  const std::string text = assignment.substr(equal + 1);
  Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded()) {
    value = text;
  }
  expand();
  Json* node = &root_;
  std::string reached;
  const auto elements = pointer_elements(pointer);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (node->is_array()) {
      const std::string& index = elements[i];
      const bool number =
          !index.empty() && index.size() < 6 &&
          std::all_of(index.begin(), index.end(), [](unsigned char c) { return std::isdigit(c); });
      if (!number || std::stoul(index) > node->size()) {
        throw UserError(place, reached + " is a list of " + std::to_string(node->size()),
                        "give an index from 0 to " + std::to_string(node->size()));
      }
      if (std::stoul(index) == node->size()) {
        node->push_back(nullptr);
      }
      node = &(*node)[std::stoul(index)];
    } else if (node->is_object() || (node->is_null() && i > 0)) {
      node = &(*node)[elements[i]];
    } else {
      throw UserError(place, reached + " is " + node->dump() + ", which has no keys",
                      "end the pointer there");
    }
    reached.append("/").append(pointer_escape(elements[i]));
  }
  *node = std::move(value);
  origins_.erase(origins_.lower_bound(pointer + "/"), origins_.lower_bound(pointer + "0"));
  origins_[pointer] = std::filesystem::path();
}

}  // namespace etude
