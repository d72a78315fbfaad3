// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "compiler/schedule/scheduled_step.h"
#include "compiler/tape/tape.h"

namespace etude::compiler {

/// `bytes` in whole sectors of the flash.
Bytes whole_sectors(Bytes bytes);

/// Where parameters and inputs stand and what of them is in L2 when.
enum class Placement {
  kL2,          ///< at home in L2
  kExtmem,      ///< at home in HyperRAM; one copy in L2 from the first use to the last
  kExtmemTwice  ///< at home in HyperRAM; fetched again for each group of operators that uses it
};

/// Adds the transfers between L2 and HyperRAM to a step. What is at home there (`home`, all but the
/// loss, by `placement`, and whatever `paged` names of it) comes for each of its stays in L2 and
/// goes back behind the last change in it; `home` then has the objects in HyperRAM. Other storages
/// of `paged` go out and come back in their windows; what goes to flash has sectors of its own
/// there, which are erased in front of that. A transfer that nobody needs, because its readers find
/// the tensor in L1, is left out; a window that begins too early for what is moved begins later.
/// `packed_extmem`: packed weights are at home in HyperRAM, too, whatever `placement` is, and
/// `tape.packed_of` then names them there. Errors: UserError if a storage is read before it is out
/// and in again.
void add_pages(Tape& tape, const Graph& graph, Placement placement,
               const std::vector<PagedStorage>& paged, std::map<TensorId, ObjectId>& home,
               bool packed_extmem = false);

}  // namespace etude::compiler
