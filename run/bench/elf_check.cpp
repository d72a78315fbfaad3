// SPDX-License-Identifier: Apache-2.0
#include "run/bench/elf_check.h"

#include <fstream>

#include "models/base/error.h"

namespace etude::run {

ProgramCheck::ProgramCheck(const ElfFile& elf, const ElfRequest& request)
    : request_(request), map_(elf, request.file), checker_(elf, map_) {
  if (!request.check_file.empty() && !std::ofstream(request.check_file)) {
    throw UserError(request.check_file, "cannot be written", "name a file in a folder that can be");
  }
}

void ProgramCheck::finish(ProgramResult& result) {
  result.check_text = checker_.text();
  result.check_errors = checker_.findings().has_errors();
  if (!request_.check_file.empty()) {
    result.check_unwritten = checker_.write(request_.check_file);
  }
}

}  // namespace etude::run
