// SPDX-License-Identifier: Apache-2.0
#include "compiler/memory/memory_plan.h"

#include <algorithm>
#include <set>

#include "compiler/memory/allocator.h"
#include "compiler/memory/packing.h"
#include "compiler/memory/paging.h"
#include "models/base/pulp_map_regs.h"

namespace etude::compiler {

namespace {

/// Bytes that an object takes: whole beats of the DMA.
Bytes aligned(Bytes bytes) { return (std::max(bytes, Bytes{1}) + Bytes{7}) / 8 * 8; }

/// Whether it is in L2 all the time.
bool permanent(const StoredObject& object) {
  return !object.external && object.persistent && object.bytes > Bytes{};
}

class Planner {
 public:
  Planner(Tape& tape, const Graph& graph, Placement placement,
          const std::vector<PagedStorage>& paged, Address l2_base, Bytes l2_bytes)
      : tape_(tape),
        graph_(graph),
        placement_(placement),
        paged_(paged),
        l2_base_(l2_base),
        l2_bytes_(l2_bytes) {}

  MemoryPlan run(bool packed_extmem) {
    for (const auto& [tensor, object] : tape_.object_of) {
      if (tape_.objects[object].persistent) {
        plan_.home[tensor] = object;
      }
    }
    add_pages(tape_, graph_, placement_, paged_, plan_.home, packed_extmem);
    place_external();
    lives_ = lifetimes();
    // The oldest place keeps transfers from waiting; packing from the bottom wastes the least.
    plan_.fits = place_l2(false) || place_l2(true) || place_l2_packed();
    if (plan_.fits) {
      count_use();
      resolve();
    }
    return std::move(plan_);
  }

 private:
  void place_external() {
    constexpr Address kBase{ETUDE_HYPERRAM_BASE};
    Address next = kBase;
    for (StoredObject& object : tape_.objects) {
      if (object.flash) {
        object.address = Address{ETUDE_FLASH_BASE} + plan_.flash_bytes;
        plan_.flash_bytes += whole_sectors(object.bytes);
      } else if (object.external) {
        object.address = next;
        next += (object.bytes + Bytes{63}) / 64 * 64;
      }
    }
    plan_.external_bytes = next - kBase;
  }

  bool place_l2(bool lowest) {
    Allocator allocator(l2_base_, l2_bytes_, lowest);
    const auto place = [&](StoredObject& object) {
      const auto address = allocator.allocate(object.bytes);
      if (!address) {
        plan_.worst = object.name;
        const Bytes free = allocator.capacity() - allocator.used();
        plan_.missing = object.bytes > free ? object.bytes - free : Bytes{8};
        return false;
      }
      object.address = *address;
      return true;
    };
    for (StoredObject& object : tape_.objects) {
      if (permanent(object) && !place(object)) {
        return false;
      }
    }
    auto over = lives_.ends.begin();
    for (const ObjectId object : lives_.begins) {
      for (; lives_.last[*over] < lives_.first[object]; ++over) {
        allocator.free(tape_.objects[*over].address);
      }
      if (!place(tape_.objects[object])) {
        return false;
      }
    }
    return true;
  }

  /// Packs tightest, but makes more transfers wait for what stood there before.
  bool place_l2_packed() {
    Address next = l2_base_;
    for (StoredObject& object : tape_.objects) {
      if (permanent(object)) {
        object.address = next;
        next += aligned(object.bytes);
      }
    }
    std::vector<PackedBlock> blocks;
    std::vector<ObjectId> objects;
    for (ObjectId object = 0; object < tape_.objects.size(); ++object) {
      if (lives_.has(object)) {
        blocks.push_back(
            {aligned(tape_.objects[object].bytes), lives_.first[object], lives_.last[object], {}});
        objects.push_back(object);
      }
    }
    const Bytes before = next - l2_base_;
    const std::size_t highest = pack(blocks, l2_bytes_ > before ? l2_bytes_ - before : Bytes{});
    Bytes needed = before;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      tape_.objects[objects[i]].address = next + blocks[i].at;
    }
    if (highest < blocks.size()) {
      needed += blocks[highest].at + blocks[highest].bytes;
      plan_.worst = tape_.objects[objects[highest]].name;
    }
    plan_.missing = needed > l2_bytes_ ? needed - l2_bytes_ : Bytes{};
    return needed <= l2_bytes_;
  }

  /// Notes what is in use at each operation, the end of the highest object, and the most of what is
  /// neither parameter nor code.
  void count_use() {
    for (ObjectId id = 0; id < tape_.objects.size(); ++id) {
      const StoredObject& object = tape_.objects[id];
      if (permanent(object) || lives_.has(id)) {
        plan_.l2_peak = std::max(plan_.l2_peak, object.address + aligned(object.bytes) - l2_base_);
      }
    }
    const auto unless_parameter = [](const StoredObject& object) {
      return object.parameter ? Bytes{} : object.bytes;
    };
    Bytes other;
    Bytes used = home_bytes(tape_);
    for (const StoredObject& object : tape_.objects) {
      other += object.external || object.persistent ? unless_parameter(object) : Bytes{};
    }
    plan_.activations_peak = other;
    plan_.l2_at_once = used;
    auto begin = lives_.begins.begin(), end = lives_.ends.begin();
    for (std::size_t i = 0; i < tape_.ops.size(); ++i) {
      for (; begin != lives_.begins.end() && lives_.first[*begin] == i; ++begin) {
        used += aligned(tape_.objects[*begin].bytes);
        other += unless_parameter(tape_.objects[*begin]);
        plan_.activations_peak = std::max(plan_.activations_peak, other);
      }
      tape_.ops[i].l2_used = used;
      plan_.l2_at_once = std::max(plan_.l2_at_once, used);
      for (; end != lives_.ends.end() && lives_.last[*end] == i; ++end) {
        used -= aligned(tape_.objects[*end].bytes);
        other -= unless_parameter(tape_.objects[*end]);
      }
    }
  }

  /// First and last operation that touches each L2 object that is not there all the time.
  struct Lifetimes {
    static constexpr std::size_t kNever = ~std::size_t{0};
    std::vector<std::size_t> first, last;  ///< by object
    std::vector<ObjectId> begins, ends;    ///< by first, and last, operation, then by number
    bool has(ObjectId object) const { return first[object] != kNever; }
  };
  Lifetimes lifetimes() const {
    Lifetimes lives;
    lives.first.assign(tape_.objects.size(), Lifetimes::kNever);
    lives.last.assign(tape_.objects.size(), 0);
    for (std::size_t i = 0; i < tape_.ops.size(); ++i) {
      for (const Access& access : tape_.ops[i].accesses) {
        if (access.space == Access::Space::kL2 && !tape_.objects[access.object].persistent) {
          lives.first[access.object] = std::min(lives.first[access.object], i);
          lives.last[access.object] = i;
        }
      }
    }
    for (ObjectId object = 0; object < tape_.objects.size(); ++object) {
      if (lives.has(object)) {
        lives.begins.push_back(object);
      }
    }
    lives.ends = lives.begins;
    const auto by = [](const std::vector<std::size_t>& when) {
      return [&when](ObjectId object) { return when[object]; };
    };
    std::ranges::stable_sort(lives.begins, {}, by(lives.first));
    std::ranges::stable_sort(lives.ends, {}, by(lives.last));
    return lives;
  }

  void resolve() {
    for (PlanOp& op : tape_.ops) {
      for (Access& access : op.accesses) {
        if (access.space != Access::Space::kL1) {
          access.address += tape_.objects[access.object].address.raw();
        }
      }
      if (auto* transfer = std::get_if<Transfer>(&op.what)) {
        transfer->l2 = Address{op.accesses[1].address};
      } else if (auto* page = std::get_if<PageTransfer>(&op.what)) {
        page->from = Address{op.accesses[0].address};
        page->to = Address{op.accesses[1].address};
      } else if (auto* erase = std::get_if<FlashErase>(&op.what)) {
        erase->first = Address{op.accesses[0].address};
      }
    }
  }

  Tape& tape_;
  const Graph& graph_;
  Placement placement_;
  const std::vector<PagedStorage>& paged_;
  Address l2_base_;
  Bytes l2_bytes_;
  Lifetimes lives_;
  MemoryPlan plan_;
};

}  // namespace

Bytes home_bytes(const Tape& tape, bool packed_extmem) {
  Bytes sum;
  const auto bytes_of = [](const StoredObject& object) {
    return permanent(object) ? aligned(object.bytes) : Bytes{};
  };
  for (const StoredObject& object : tape.objects) {
    sum += bytes_of(object);
  }
  for (const auto& [tensor, packed] : tape.packed_of) {
    if (packed_extmem) {
      sum -= bytes_of(tape.objects[packed.numbers]) + bytes_of(tape.objects[packed.scales]);
    }
  }
  return sum;
}

void drop_unread_stores(Tape& tape) {
  std::set<ObjectId> read;
  for (const PlanOp& op : tape.ops) {
    for (const Access& access : op.accesses) {
      if (access.space == Access::Space::kL2 && !access.write) {
        read.insert(access.object);
      }
    }
  }
  std::erase_if(tape.ops, [&](const PlanOp& op) {
    return std::ranges::any_of(op.accesses, [&](const Access& access) {
      return access.space == Access::Space::kL2 && access.write &&
             !tape.objects[access.object].persistent && !read.contains(access.object);
    });
  });
}

MemoryPlan plan_memory(Tape& tape, const Graph& graph, Placement placement, Address l2_base,
                       Bytes l2_bytes, const std::vector<PagedStorage>& paged, bool packed_extmem) {
  return Planner(tape, graph, placement, paged, l2_base, l2_bytes).run(packed_extmem);
}

}  // namespace etude::compiler
