// SPDX-License-Identifier: Apache-2.0
#include "models/iss/isa/isa_config.h"

#include <algorithm>
#include <cctype>
#include <iterator>

#include "models/base/error.h"

namespace etude {
namespace {

struct NamedExtension {
  const char* name;
  bool IsaConfig::* member;
};

constexpr NamedExtension kExtensions[] = {
    {"m", &IsaConfig::m},
    {"f", &IsaConfig::f},
    {"c", &IsaConfig::c},
    {"zicsr", &IsaConfig::zicsr},
    {"zifencei", &IsaConfig::zifencei},
    {"zfinx", &IsaConfig::zfinx},
    {"zhinx", &IsaConfig::zhinx},
    {"xfvec", &IsaConfig::xfvec},
    {"xcvmem", &IsaConfig::xcvmem},
    {"xcvmac", &IsaConfig::xcvmac},
    {"xcvsimd", &IsaConfig::xcvsimd},
    {"xcvalu", &IsaConfig::xcvalu},
    {"xcvbitmanip", &IsaConfig::xcvbitmanip},
    {"xcvbi", &IsaConfig::xcvbi},
    {"xcvhwlp", &IsaConfig::xcvhwlp},
    {"xcvelw", &IsaConfig::xcvelw},
};

[[noreturn]] void reject(const std::string& isa, const std::string& what) {
  throw UserError(
      "isa \"" + isa + "\"", what,
      "use rv32i followed by m, f, c and then _zicsr, _zifencei, _zfinx, _zhinx, "
      "_xfvec, _xcvmem, _xcvmac, _xcvsimd, _xcvalu, _xcvbitmanip, _xcvbi, _xcvhwlp, _xcvelw");
}

void add(IsaConfig& config, const std::string& isa, const std::string& name) {
  const auto* row = std::find_if(std::begin(kExtensions), std::end(kExtensions),
                                 [&](const NamedExtension& e) { return name == e.name; });
  if (row == std::end(kExtensions)) {
    reject(isa, name.empty() ? "empty extension name" : "unknown extension '" + name + "'");
  }
  config.*(row->member) = true;
}

}  // namespace

IsaConfig parse_isa(const std::string& isa) {
  std::string text(isa);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (text.compare(0, 5, "rv32i") != 0) {
    reject(isa, "does not start with rv32i");
  }
  IsaConfig config;
  std::size_t at = 5;
  // Single letters up to the first '_' or the first multi-letter name ("rv32imczicsr").
  while (at < text.size() && text[at] != '_' && text[at] != 'z' && text[at] != 'x') {
    add(config, isa, text.substr(at++, 1));
  }
  if (at < text.size()) {
    at += text[at] == '_' ? 1 : 0;
    for (;;) {
      const std::size_t end = text.find('_', at);
      add(config, isa, text.substr(at, end - at));
      if (end == std::string::npos) {
        break;
      }
      at = end + 1;
    }
  }
  config.zhinx |= config.xfvec;
  config.zfinx |= config.zhinx;
  config.zicsr |= config.fp();
  if (config.f && config.zfinx) {
    reject(isa, "F and Zfinx exclude each other");
  }
  return config;
}

}  // namespace etude
