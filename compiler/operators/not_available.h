// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/base/error.h"

namespace etude::compiler {

/// The step has an operator, or a shape of one, that the simulated chip cannot run yet.
class NotAvailable : public UserError {
 public:
  using UserError::UserError;
};

}  // namespace etude::compiler
