// SPDX-License-Identifier: Apache-2.0
#include "tests/support/plan_bench.h"

#include <algorithm>
#include <optional>
#include <random>
#include <unordered_map>
#include <utility>

namespace etude::test {

using compiler::L1Matrix;
using compiler::MemoryPlan;
using compiler::Placement;
using compiler::PlanOp;
using compiler::StoredObject;
using compiler::Tape;

namespace {

constexpr Address kL1{0x10002000};

Bytes beats(Bytes bytes) { return Bytes{std::max<std::uint64_t>(1, (bytes.raw() + 7) / 8) * 8}; }

/// Calls `word` with the address of each word of an access, in order.
template <class Word>
void each_word(const Access& access, Word&& word) {
  for (std::uint32_t r = 0; r < access.rows; ++r) {
    for (std::uint32_t b = 0; b < access.row_bytes; b += 4) {
      word(access.address + r * access.pitch + b);
    }
  }
}

/// Memory outside L1 in which every store leaves other words. `Where`: what tells words apart.
class WordMemory {
 public:
  std::uint64_t& at(std::uint64_t where) { return words_[where]; }

  /// Executes an operation; `where` turns an access and an address in it into a word's place.
  template <class Where>
  void run(const PlanOp& op, const Where& where, PlanBench::Reads& reads) {
    std::vector<std::uint64_t> read;
    for (const Access& access : op.accesses) {
      if (access.space != Access::Space::kL1 && !access.write) {
        each_word(access, [&](std::uint32_t a) { read.push_back(at(where(access, a))); });
      }
    }
    const bool page = op.as<PageTransfer>() != nullptr;
    const bool erase = op.as<FlashErase>() != nullptr;
    std::size_t next = 0;
    for (const Access& access : op.accesses) {
      if (access.space != Access::Space::kL1 && access.write) {
        each_word(access, [&](std::uint32_t a) {
          at(where(access, a)) = page ? read.at(next++) : erase ? ~std::uint64_t{0} : ++stored_;
        });
      }
    }
    if (!page && !read.empty()) {
      reads.push_back(std::move(read));
    }
  }

 private:
  std::unordered_map<std::uint64_t, std::uint64_t> words_;
  std::uint64_t stored_ = 0;
};

/// What stands in a word at home before the step.
std::uint64_t at_first(ObjectId object, std::uint64_t offset) {
  return ~((std::uint64_t{object} << 32) + offset);
}

}  // namespace

ObjectId PlanBench::object(const std::string& name, Bytes bytes, TensorKind kind) {
  const TensorId tensor = made_.tensor(name, {bytes.raw() / 4}, kind);
  const auto made = static_cast<ObjectId>(written.objects.size());
  StoredObject stored;
  stored.name = name;
  stored.bytes = bytes;
  stored.parameter = kind == TensorKind::kParameter;
  stored.persistent = kind != TensorKind::kActivation;
  written.objects.push_back(stored);
  written.object_of[tensor] = made;
  return made;
}

ObjectId PlanBench::persistent(const std::string& name, Bytes bytes, TensorKind kind) {
  return object(name, bytes, kind);
}
ObjectId PlanBench::activation(const std::string& name, Bytes bytes) {
  return object(name, bytes, TensorKind::kActivation);
}
TensorId PlanBench::tensor_of(ObjectId object) const {
  return std::ranges::find(written.object_of, object, [](const auto& one) { return one.second; })
      ->first;
}

void PlanBench::load(std::uint32_t stage, ObjectId object, Bytes offset, Bytes bytes) {
  const Bytes all = bytes == Bytes{} ? written.objects.at(object).bytes : bytes;
  const std::uint32_t words = elements_in(all);
  written.set_stage(stage);
  written.load({object, offset, words}, {kL1, 1, words, words});
}
void PlanBench::store(std::uint32_t stage, ObjectId object, Bytes offset, Bytes bytes) {
  const Bytes all = bytes == Bytes{} ? written.objects.at(object).bytes : bytes;
  const std::uint32_t words = elements_in(all);
  written.set_stage(stage);
  written.store({kL1, 1, words, words}, {object, offset, words});
}
void PlanBench::copy(std::uint32_t stage, ObjectId from, ObjectId to) {
  const auto all = [&](ObjectId object, bool write) {
    const auto bytes = static_cast<std::uint32_t>(written.objects.at(object).bytes.raw());
    return Access{write, Access::Space::kL2, object, 0, 1, bytes, bytes};
  };
  PlanOp& op = written.ops.emplace_back();
  op.what = KernelCall{};
  op.stage = stage;
  op.accesses = {all(from, false), all(to, true)};
}

void PlanBench::random(unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::uint32_t>(random() % n); };
  std::vector<ObjectId> home, there;
  const std::uint32_t homes = 1 + below(4), others = 2 + below(9);
  for (std::uint32_t i = 0; i < homes; ++i) {
    const bool long_one = seed % 10 == 0 && i == 0;
    home.push_back(persistent("p" + std::to_string(i),
                              Bytes{4 * (long_one ? 9000 + below(1000) : 1 + below(150))},
                              i % 2 == 0 ? TensorKind::kParameter : TensorKind::kInput));
  }
  home.push_back(persistent("loss", Bytes{4}, TensorKind::kLoss));
  for (std::uint32_t i = 0; i < others; ++i) {
    activation("a" + std::to_string(i), Bytes{4 * (1 + below(150))});
  }
  // A piece of an object; some are rows with gaps between them.
  const auto piece = [&](std::uint32_t stage, ObjectId object, bool write) {
    const std::uint32_t words = elements_in(written.objects[object].bytes);
    const std::uint32_t first = below(words), most = words - first;
    const std::uint32_t pitch = 1 + below(most), rows = 1 + below(most / pitch);
    const std::uint32_t cols = rows == 1 ? most : 1 + below(pitch);
    const L1Matrix l1{kL1, rows, cols, cols};
    written.set_stage(stage);
    if (write) {
      written.store(l1, {object, bytes_for(first), pitch});
    } else {
      written.load({object, bytes_for(first), pitch}, l1);
    }
  };
  std::uint32_t next = static_cast<std::uint32_t>(home.size());
  const std::uint32_t stages = 4 + below(16);
  for (std::uint32_t stage = 0; stage < stages; ++stage) {
    for (std::uint32_t i = below(4); i > 0; --i) {
      const bool fresh = next < written.objects.size() && below(3) == 0;
      if (fresh) {
        store(stage, next);
        there.push_back(next++);
      } else if (!there.empty() && below(2) == 0) {
        piece(stage, there[below(there.size())], below(3) == 0);
      } else {
        piece(stage, home[below(home.size())], below(3) == 0);
      }
      if (there.size() > 3 && below(3) == 0) {  // not used again
        there.erase(there.begin() + below(there.size()));
      }
    }
  }
  load(stages, home[0]);
}

MemoryPlan PlanBench::plan(Placement placement, Bytes l2,
                           const std::vector<compiler::PagedStorage>& paged) {
  tape = written;
  return compiler::plan_memory(tape, made_.graph, placement, kL2, l2, paged);
}

std::vector<std::string> PlanBench::lines(const Tape& tape) {
  std::vector<std::string> found;
  for (const PlanOp& op : tape.ops) {
    const std::string stage = " " + std::to_string(op.stage);
    if (const auto* t = op.as<Transfer>()) {
      const std::string& name = tape.objects.at(op.accesses.at(1).object).name;
      found.push_back((t->to_l1 ? "load " : "store ") + name + stage);
    } else if (const auto* page = op.as<PageTransfer>()) {
      const Access& from = op.accesses.at(0);
      const StoredObject& object = tape.objects.at(from.object);
      found.push_back((from.space == Access::Space::kExternal ? "in " : "out ") + object.name +
                      " " + std::to_string((page->from - object.address).raw()) + "+" +
                      std::to_string(page->bytes));
    } else if (const auto* erase = op.as<FlashErase>()) {
      found.push_back("erase " + tape.objects.at(op.accesses.at(0).object).name + " " +
                      std::to_string(erase->bytes));
    } else {
      found.emplace_back("other");
    }
  }
  return found;
}

PlanBench::Reads PlanBench::run_by_objects() const {
  WordMemory memory;
  const auto place = [](std::uint64_t object, std::uint64_t offset) {
    return (object << 32) + offset;
  };
  const auto home = [&](auto&& word) {
    for (ObjectId id = 0; id < written.objects.size(); ++id) {
      for (std::uint64_t b = 0;
           written.objects[id].persistent && b < written.objects[id].bytes.raw(); b += 4) {
        word(id, b);
      }
    }
  };
  home([&](ObjectId id, std::uint64_t b) { memory.at(place(id, b)) = at_first(id, b); });
  Reads reads;
  for (const PlanOp& op : written.ops) {
    memory.run(
        op, [&](const Access& access, std::uint32_t a) { return place(access.object, a); }, reads);
  }
  auto& last = reads.emplace_back();
  home([&](ObjectId id, std::uint64_t b) { last.push_back(memory.at(place(id, b))); });
  return reads;
}

PlanBench::Reads PlanBench::run_by_addresses(const MemoryPlan& plan) const {
  WordMemory memory;
  const auto home = [&](auto&& word) {
    for (ObjectId id = 0; id < written.objects.size(); ++id) {
      const StoredObject& object = written.objects[id];
      for (std::uint64_t b = 0; object.persistent && b < object.bytes.raw(); b += 4) {
        word(id, b, (at(plan.home.at(tensor_of(id))) + Bytes{b}).raw());
      }
    }
  };
  home([&](ObjectId id, std::uint64_t b, std::uint64_t a) { memory.at(a) = at_first(id, b); });
  Reads reads;
  for (const PlanOp& op : tape.ops) {
    memory.run(op, [](const Access&, std::uint32_t a) { return std::uint64_t{a}; }, reads);
  }
  auto& last = reads.emplace_back();
  home([&](ObjectId, std::uint64_t, std::uint64_t a) { last.push_back(memory.at(a)); });
  return reads;
}

std::vector<PlanBench::Life> PlanBench::lives() const {
  std::vector<Life> found;
  for (ObjectId id = 0; id < tape.objects.size(); ++id) {
    if (tape.objects[id].external || tape.objects[id].bytes == Bytes{}) {
      continue;
    }
    std::optional<Life> life;
    if (tape.objects[id].persistent) {
      life = Life{id, 0, tape.ops.size()};
    }
    for (std::size_t i = 0; i < tape.ops.size() && !tape.objects[id].persistent; ++i) {
      if (std::ranges::any_of(tape.ops[i].accesses, [&](const Access& access) {
            return access.space == Access::Space::kL2 && access.object == id;
          })) {
        life = Life{id, life ? life->first : i, i};
      }
    }
    if (life) {
      found.push_back(*life);
    }
  }
  return found;
}

std::vector<Bytes> PlanBench::swept_uses() const {
  std::vector<Bytes> used(tape.ops.size());
  for (const Life& life : lives()) {
    for (std::size_t i = life.first; i < used.size() && i <= life.last; ++i) {
      used[i] += beats(tape.objects[life.object].bytes);
    }
  }
  return used;
}

std::vector<Bytes> PlanBench::noted_uses() const {
  std::vector<Bytes> used;
  for (const PlanOp& op : tape.ops) {
    used.push_back(op.l2_used);
  }
  return used;
}

Bytes PlanBench::most_at_once() const {
  const auto used = swept_uses();
  return used.empty() ? Bytes{} : *std::ranges::max_element(used);
}

Bytes PlanBench::sum_of_all() const {
  Bytes sum;
  for (const Life& life : lives()) {
    sum += beats(tape.objects[life.object].bytes);
  }
  return sum;
}

bool PlanBench::places_are_right(Bytes l2) const {
  const auto all = lives();
  const auto end = [&](const Life& life) {
    return at(life.object) + tape.objects[life.object].bytes;
  };
  for (std::size_t a = 0; a < all.size(); ++a) {
    if (at(all[a].object) < kL2 || end(all[a]) > kL2 + l2) {
      return false;
    }
    for (std::size_t b = a + 1; b < all.size(); ++b) {
      const bool together = all[a].first <= all[b].last && all[b].first <= all[a].last;
      if (together && at(all[a].object) < end(all[b]) && at(all[b].object) < end(all[a])) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace etude::test
