// SPDX-License-Identifier: Apache-2.0
#include "tests/support/validation.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace etude::test {

static void put(std::ostringstream& out, const std::vector<std::string>& cells) {
  for (const std::string& cell : cells) {
    out << '"' << cell << "\",";
  }
}

ValidationPoints::ValidationPoints(std::string name, const std::vector<std::string>& keys) {
  if (const char* folder = std::getenv("ETUDE_VALIDATION_DIR")) {
    path_ = std::string(folder) + "/" + name + ".csv";
    std::ostringstream header;
    put(header, keys);
    text_ = header.str() + "group,rtl,model,counted\n";
  }
}

ValidationPoints::~ValidationPoints() {
  if (!path_.empty()) {
    std::ofstream(path_) << text_;
  }
}

void ValidationPoints::add(const std::vector<std::string>& keys, const std::string& group,
                           double rtl, double model, bool counted) {
  if (!path_.empty()) {
    std::ostringstream line;
    line.precision(12);
    put(line, keys);
    line << '"' << group << "\"," << rtl << ',' << model << ',' << (counted ? 1 : 0) << '\n';
    text_ += line.str();
  }
}

}  // namespace etude::test
