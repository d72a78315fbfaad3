// SPDX-License-Identifier: Apache-2.0
#include "compiler/memory/paging.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "models/base/error.h"
#include "sim/config/platform_config.h"

namespace etude::compiler {
namespace {

/// Transfers between L2 and HyperRAM, and from flash, come in pieces, so that tiles need not wait
/// for a whole tensor.
constexpr Bytes kPageBytes{16 * 1024};
/// Stages that a fetched copy may lie idle before it is given up and fetched again.
constexpr std::uint32_t kIdleStages = 3;

/// An operation that touches a storage in L2.
struct Touch {
  std::uint32_t op;
  ObjectId object;  ///< that stands for the storage
  bool write;
};

/// One stay of a storage in L2.
struct Stay {
  ObjectId object = 0;
  bool fetched = false;
  std::uint32_t start = 0;            ///< first stage of the transfer that brings it
  std::uint32_t first = 0, last = 0;  ///< stages that touch it
  std::optional<std::uint32_t> last_write;
  std::optional<std::uint32_t> goes;  ///< last stage of the transfer that takes it out
  std::vector<std::uint32_t> ops;     ///< that touch it
};

class Pager {
 public:
  Pager(Tape& tape, const Graph& graph, Placement placement, const std::vector<PagedStorage>& paged,
        std::map<TensorId, ObjectId>& home)
      : tape_(tape), graph_(graph), placement_(placement), home_(home) {
    for (const PagedStorage& storage : paged) {
      paged_[storage.versions.front()] = &storage;
    }
  }

  void run(bool packed) {
    const bool all = placement_ != Placement::kL2;
    if (!all && paged_.empty() && !packed) {
      return;
    }
    touches_ = touches();
    for (auto& [tensor, object] : home_) {
      const auto scheduled = paged_.find(tensor);
      if (graph_.tensor(tensor).kind == TensorKind::kLoss) {
        continue;
      }
      if (scheduled != paged_.end()) {
        object = page_home(object, stays_of(*scheduled->second, true));
      } else if (all) {
        object = page_home(object, usual_stays(object));
      }
    }
    for (auto& [tensor, stored] : tape_.packed_of) {
      if (packed) {
        stored.numbers = page_home(stored.numbers, usual_stays(stored.numbers));
        stored.scales = page_home(stored.scales, usual_stays(stored.scales));
      }
    }
    for (const auto& [tensor, storage] : paged_) {
      if (!home_.contains(tensor)) {
        page_out_and_in(*storage);
      }
    }
    put_in_place();
  }

 private:
  /// By object, ascending.
  std::vector<std::vector<Touch>> touches() const {
    std::vector<std::vector<Touch>> found(tape_.objects.size());
    for (std::uint32_t i = 0; i < tape_.ops.size(); ++i) {
      for (const Access& access : tape_.ops[i].accesses) {
        if (access.space == Access::Space::kL2) {
          found[access.object].push_back({i, access.object, access.write});
        }
      }
    }
    return found;
  }

  void touch(Stay& stay, const Touch& by) const {
    stay.last = tape_.ops[by.op].stage;
    stay.ops.push_back(by.op);
    if (by.write) {
      stay.last_write = stay.last;
    }
  }

  /// From the first use to the last, or for each group of uses.
  std::vector<Stay> usual_stays(ObjectId object) const {
    std::vector<Stay> found;
    for (const Touch& by : touches_[object]) {
      const std::uint32_t stage = tape_.ops[by.op].stage;
      if (found.empty() ||
          (placement_ == Placement::kExtmemTwice && stage > found.back().last + kIdleStages)) {
        Stay& stay = found.emplace_back();
        stay.object = object;
        stay.fetched = true;
        stay.first = stay.start = stage;
      }
      touch(found.back(), by);
    }
    return found;
  }

  /// As the windows say: one that comes in begins a stay, and so does an operator that makes the
  /// storage again.
  std::vector<Stay> stays_of(const PagedStorage& storage, bool from_home) const {
    std::vector<Touch> all;
    for (const TensorId version : storage.versions) {
      const auto& mine = touches_[tape_.object_of.at(version)];
      all.insert(all.end(), mine.begin(), mine.end());
    }
    std::ranges::stable_sort(all, {}, &Touch::op);
    std::vector<PageWindow> comes;
    std::ranges::copy_if(storage.windows, std::back_inserter(comes),
                         [](const PageWindow& window) { return !window.out; });
    std::vector<Stay> found;
    std::size_t next = 0;
    for (const Touch& by : all) {
      const std::uint32_t stage = tape_.ops[by.op].stage;
      const PageWindow* came = nullptr;
      for (; next < comes.size() && comes[next].last < stage; ++next) {
        came = &comes[next];
      }
      const bool again = !found.empty() && found.back().object != by.object;
      if (found.empty() || again || came != nullptr) {
        Stay& stay = found.emplace_back();
        stay.object = by.object;
        stay.fetched = found.size() == 1 ? from_home : !again;
        stay.first = stage;
        stay.start = stay.fetched && came != nullptr ? came->first : stage;
      }
      touch(found.back(), by);
    }
    for (const PageWindow& window : storage.windows) {
      for (std::size_t i = found.size(); window.out && i-- > 0;) {
        if (found[i].start < window.first) {
          if (!found[i].goes) {
            found[i].goes = std::max(window.last, found[i].last_write.value_or(0));
          }
          break;
        }
      }
    }
    return found;
  }

  /// A storage of which HyperRAM has the valid copy at both ends of a step. Returns it.
  ObjectId page_home(ObjectId original, const std::vector<Stay>& stays) {
    const StoredObject stored = tape_.objects[original];
    const auto home = static_cast<ObjectId>(tape_.objects.size());
    tape_.objects.push_back(stored);
    tape_.objects.back().external = true;
    const std::uint32_t layer = page_layer(stored);
    std::optional<std::uint32_t> written;  // stage in which the copy at home is right
    for (const Stay& stay : stays) {
      const ObjectId copy = bring(stay, stored, home, layer, written);
      if (stay.last_write) {
        written = std::max(*stay.last_write, stay.goes.value_or(0));
        transfer(out_[*written], copy, false, home, stored.bytes, *written, layer);
      }
    }
    tape_.objects[original].bytes = Bytes{};
    return home;
  }

  /// A storage that an operator makes, in L2.
  void page_out_and_in(const PagedStorage& storage) {
    const std::vector<Stay> stays = stays_of(storage, false);
    // What never went out, because its maker's store was for nobody, is still there.
    const auto out =
        std::ranges::find_if(stays, [](const Stay& stay) { return stay.goes.has_value(); });
    if (std::ranges::none_of(out, stays.end(), &Stay::fetched)) {
      return;
    }
    const StoredObject stored = tape_.objects[tape_.object_of.at(storage.versions.front())];
    const auto home = static_cast<ObjectId>(tape_.objects.size());
    tape_.objects.push_back(stored);
    tape_.objects.back().external = true;
    tape_.objects.back().flash = storage.to_flash;
    const std::uint32_t layer = page_layer(stored);
    std::optional<std::uint32_t> written;
    for (std::size_t i = 0; i < stays.size(); ++i) {
      const Stay& stay = stays[i];
      const ObjectId here =
          stay.fetched && written ? bring(stay, stored, home, layer, written) : stay.object;
      const bool read_again =
          i + 1 < stays.size() &&
          std::ranges::any_of(stays.begin() + static_cast<std::ptrdiff_t>(i) + 1, stays.end(),
                              &Stay::fetched);
      if (stay.goes && read_again && !written) {  // what is made again is the same
        written = *stay.goes;
        transfer(out_[*written], here, false, home, stored.bytes, *written, layer);
      }
    }
  }

  /// A copy for one stay, fetched when the copy at home is right.
  ObjectId bring(const Stay& stay, const StoredObject& stored, ObjectId home, std::uint32_t layer,
                 const std::optional<std::uint32_t>& written) {
    const auto copy = static_cast<ObjectId>(tape_.objects.size());
    tape_.objects.push_back(stored);
    tape_.objects.back().persistent = false;
    for (const std::uint32_t i : stay.ops) {
      for (Access& access : tape_.ops[i].accesses) {
        if (access.space == Access::Space::kL2 && access.object == stay.object) {
          access.object = copy;
        }
      }
    }
    const std::uint32_t start = written ? std::max(stay.start, *written + 1) : stay.start;
    if (start > stay.first) {
      throw UserError("/schedule", "pages '" + stored.name + "' out until it is read again",
                      "end the transfer earlier");
    }
    transfer(in_[start], home, true, copy, stored.bytes, start, layer);
    return copy;
  }

  std::uint32_t page_layer(const StoredObject& stored) {
    tape_.layers.push_back({"page " + stored.name, "Page", "page", "dma", 0});
    return static_cast<std::uint32_t>(tape_.layers.size() - 1);
  }

  void transfer(std::vector<PlanOp>& list, ObjectId from, bool from_external, ObjectId to,
                Bytes bytes, std::uint32_t stage, std::uint32_t layer) {
    Tape scratch(tape_.timing());
    scratch.set_layer(layer);
    scratch.set_stage(stage);
    const bool flash = tape_.objects[from_external ? from : to].flash;
    if (flash && !from_external) {
      // The pages of the step before stand there: programming clears bits, and sets none.
      scratch.erase_flash(to, whole_sectors(bytes));
      scratch.page_flash(from, false, to, Bytes{}, bytes);
    } else {
      for (Bytes offset; offset < bytes; offset += kPageBytes) {
        const Bytes piece = std::min(kPageBytes, bytes - offset);
        flash ? scratch.page_flash(from, true, to, offset, piece)
              : scratch.page(from, from_external, to, offset, piece);
      }
    }
    std::ranges::move(scratch.ops, std::back_inserter(list));
  }

  /// Transfers in front of the stages in which they may start, or behind those in which they end.
  void put_in_place() {
    std::vector<PlanOp> all;
    std::size_t next = 0;
    auto& ops = tape_.ops;
    for (std::uint32_t stage = 0; next < ops.size() || !out_.empty(); ++stage) {
      if (const auto in = in_.find(stage); in != in_.end()) {
        std::ranges::move(in->second, std::back_inserter(all));
      }
      for (; next < ops.size() && ops[next].stage == stage; ++next) {
        all.push_back(std::move(ops[next]));
      }
      if (const auto out = out_.find(stage); out != out_.end()) {
        std::ranges::move(out->second, std::back_inserter(all));
        out_.erase(out);
      }
    }
    ops = std::move(all);
  }

  Tape& tape_;
  const Graph& graph_;
  Placement placement_;
  std::map<TensorId, ObjectId>& home_;
  std::map<TensorId, const PagedStorage*> paged_;
  std::vector<std::vector<Touch>> touches_;
  std::map<std::uint32_t, std::vector<PlanOp>> in_, out_;  ///< by stage
};

}  // namespace

Bytes whole_sectors(Bytes bytes) {
  constexpr std::uint64_t kSector = FlashConfig::kSectorBytes;
  return Bytes{(bytes.raw() + kSector - 1) / kSector * kSector};
}

void add_pages(Tape& tape, const Graph& graph, Placement placement,
               const std::vector<PagedStorage>& paged, std::map<TensorId, ObjectId>& home,
               bool packed_extmem) {
  Pager(tape, graph, placement, paged, home).run(packed_extmem);
}

}  // namespace etude::compiler
