// SPDX-License-Identifier: Apache-2.0
#include "sim/config/declared_paths.h"

#include <algorithm>
#include <string_view>

namespace etude {
namespace {

/// Cuts the first element off a JSON pointer: "/a/b" gives "a" and leaves "/b".
std::string_view take_element(std::string_view& pointer) {
  const std::size_t end = std::min(pointer.find('/', 1), pointer.size());
  const std::string_view element = pointer.substr(1, end - 1);
  pointer.remove_prefix(end);
  return element;
}

/// True if `path` describes `pointer` or, with `below`, a part of it. No declared name holds a
/// character that a pointer escapes, so that elements compare as they stand.
bool matches(std::string_view path, std::string_view pointer, bool below) {
  while (!path.empty() && !pointer.empty()) {
    const std::string_view wanted = take_element(path);
    const std::string_view given = take_element(pointer);
    if (wanted != "*" && wanted != given) {
      return false;
    }
  }
  return pointer.empty() && path.empty() != below;
}

}  // namespace

DeclaredPaths::DeclaredPaths(const ParameterTable& table) {
  for (const Parameter& p : table) {
    if (p.text.names_section) {
      naming_.push_back(&p);
    }
    if (p.path.find('*') != std::string::npos) {
      patterns_.push_back(&p);
      continue;
    }
    plain_.emplace(p.path, &p);
    for (std::size_t end = p.path.rfind('/'); end != std::string::npos && end != 0;
         end = p.path.rfind('/', end - 1)) {
      if (!sections_.insert(p.path.substr(0, end)).second) {
        break;  // and so are those above it
      }
    }
  }
  sections_.insert("");
}

const Parameter* DeclaredPaths::at(const std::string& pointer) const {
  if (const auto plain = plain_.find(pointer); plain != plain_.end()) {
    return plain->second;
  }
  const auto found = std::ranges::find_if(
      patterns_, [&](const Parameter* p) { return matches(p->path, pointer, false); });
  return found == patterns_.end() ? nullptr : *found;
}

bool DeclaredPaths::is_section(const std::string& pointer) const {
  return sections_.contains(pointer) || std::ranges::any_of(patterns_, [&](const Parameter* p) {
           return matches(p->path, pointer, true);
         });
}

std::string DeclaredPaths::named_by_string(const std::string& pointer) const {
  for (const Parameter* p : naming_) {
    const std::size_t last = p->path.rfind('/');
    if (matches(std::string_view(p->path).substr(0, last), pointer, false)) {
      return p->path.substr(last + 1);
    }
  }
  return "";
}

}  // namespace etude
