// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sim/config/parameter.h"

namespace etude {

/// Throws UserError beginning with `where` unless `value` has the kind and range of the parameter.
void check_value(const Parameter& parameter, const Json& value, const std::string& where);

/// A remedy for an unknown key: the nearest known one, or the keys that stand beside it.
std::string suggestion(const ParameterTable& table, const std::string& pointer);

/// A JSON value on one line, cut where it is long.
std::string shown(const Json& value);

}  // namespace etude
