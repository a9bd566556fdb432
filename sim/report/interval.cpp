#include "report/interval.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <utility>
#include <variant>

namespace orrery {

namespace {

constexpr double tenth_percentile = 1.2816;  ///< of a normal distribution, in its deviations

/// Kernels and exchanges whose residuals have something in common: first those of KernelSort.
enum class Sort : std::uint8_t {
  product,
  grouped_product,
  attention,
  memory_bound,
  ring,   ///< reductions and gathers, by whatever algorithm
  pairs,  ///< sends, and all-to-all made of them
  tokens  ///< kernels that carry tokens to experts
};
constexpr std::size_t sort_count = 7;

struct Known {
  double shared;  ///< between sources, of the logarithm
  Spread own;     ///< where a GPU's constants keep none
};

// What tools/calibrate/sources.py prints. Memory-bound kernels have one source, the casts that
// tools/calibrate/quantize.py is fitted to: what another would share is taken to be what it is of
// products.
constexpr std::array<Known, sort_count> known{{{0.023, {0.892, 1.130}},
                                               {0.109, {0.826, 1.260}},
                                               {0.158, {0.767, 1.299}},
                                               {0.023, {0.881, 1.151}},
                                               {0.131, {0.834, 1.254}},
                                               {0.145, {0.883, 1.097}},
                                               {0.024, {0.897, 1.112}}}};

/// What the constants of a GPU keep, but of grouped products, whose spread there is that of plain
/// ones.
Spread own_of(Sort sort, const Spread& kept) {
  const bool none = kept.low == 1.0 && kept.high == 1.0;
  const bool borrowed = sort == Sort::grouped_product;
  return none || borrowed ? known[static_cast<std::size_t>(sort)].own : kept;
}

/// What the average rank does, as often as it does it.
class Counts {
 public:
  explicit Counts(const Program& program) : program_(program) {
    for (const Script& script : program.scripts) by_script_.push_back(count(script));
    const auto ranks = static_cast<double>(std::max<std::size_t>(1, program.class_of_rank.size()));
    for (const RankClass& one : program.classes) {
      weights_.push_back(static_cast<double>(one.count) / ranks);
    }
  }

  /// Calls visit(class, kind, times, of the average rank) for every kind of task of every class.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (std::size_t c = 0; c < program_.classes.size(); ++c) {
      const RankClass& rank_class = program_.classes[id_at<ClassId>(c)];
      const std::vector<double>& times = by_script_[index_of(rank_class.script)];
      for (std::size_t k = 0; k < times.size(); ++k) {
        if (times[k] == 0.0) continue;
        visit(rank_class, program_.kinds[id_at<KindId>(k)], weights_[c] * times[k]);
      }
    }
  }

  std::array<double, component_count> seconds(const RunResult& result) const {
    std::array<double, component_count> out{};
    for (std::size_t c = 0; c < weights_.size(); ++c) {
      const TimeUse& use = result.time[id_at<ClassId>(c)];
      for (std::size_t i = 0; i < component_count; ++i) {
        out[i] += weights_[c] * to_seconds(use.by_component[i]).value();
      }
    }
    return out;
  }

 private:
  /// By kind.
  std::vector<double> count(const Script& script) const {
    std::vector<double> counts(program_.kinds.size());
    for (const Lane& lane : script.lanes) {
      for (const Task& task : lane.tasks) counts[index_of(task.kind)] += 1.0;
    }
    return counts;
  }

  const Program& program_;
  std::vector<std::vector<double>> by_script_;
  std::vector<double> weights_;
};

/// An exchange's sort, and what the GPU's constants know of it; nothing of tokens.
std::pair<Sort, const ReachedShares*> known_of(const TransferPlan& plan,
                                               const CollectiveConstants& constants) {
  const std::string_view name = plan.name;
  const std::string_view algorithm = name.substr(std::min(name.size(), name.find(' ') + 1));
  if (algorithm.starts_with("deepep") || algorithm.starts_with("hybridep")) {
    return {Sort::tokens, nullptr};
  }
  if (algorithm.starts_with("direct") || algorithm.starts_with("send")) {
    return {Sort::pairs, &constants.pairs};
  }
  return {Sort::ring, algorithm.starts_with("nvls") ? &constants.nvls : &constants.ring};
}

std::string_view without_ending(std::string_view name, std::string_view ending) {
  return name.ends_with(ending) ? name.substr(0, name.size() - ending.size()) : name;
}

/// A kernel or exchange under one name: what the average rank spends on it.
struct Item {
  std::string name{};
  Sort sort = Sort::memory_bound;
  double each = 0.0;   ///< once: seconds as modelled, or bytes; equal ones of a sort are one shape
  double known = 0.0;  ///< all of it: the time that `spread` speaks of, or bytes
  double whole = 0.0;  ///< with the wait for its launch
  Spread spread{};
  bool extrapolated = false;
};

/// Collects the work of a run by component and name.
class Work {
 public:
  Work(const Program& program, const EvidenceBook& evidence, const CollectiveConstants& exchanges)
      : program_(program), evidence_(evidence), exchanges_(exchanges) {}

  void add(const RankClass& rank_class, const Kind& kind, double times);
  /// In seconds: what was added of each component stands for what the run took of it.
  std::vector<Item> items(const std::array<double, component_count>& seconds) const;

 private:
  void add_kernel(const Kind& kind, double duration, double times);
  void add_exchange(const Kind& kind, const TransferPlan& plan, double times);
  Item& item(Component component, const Kind& kind) {
    const std::string name(without_ending(kind.name, ".recomputed"));
    Item& found = by_name_[static_cast<std::size_t>(component)][{name, kind.flops}];
    found.name = name;
    return found;
  }

  const Program& program_;
  const EvidenceBook& evidence_;
  const CollectiveConstants& exchanges_;
  std::array<std::map<std::pair<std::string, double>, Item>, component_count> by_name_;
};

void Work::add(const RankClass& rank_class, const Kind& kind, double times) {
  if (const auto* compute = std::get_if<Compute>(&kind.action)) {
    add_kernel(kind, to_seconds(compute->duration).value(), times * rank_class.slowdown);
  } else if (const auto* join = std::get_if<Communicate>(&kind.action)) {
    const Group& group = program_.groups[rank_class.groups[join->slot]];
    add_exchange(kind, program_.plans[group.plans[join->plan]], times);
  }
}

void Work::add_kernel(const Kind& kind, double duration, double times) {
  if (duration <= 0.0) return;
  Item& found = item(kind.component, kind);
  found.whole += times * duration;
  const KernelEvidence* evidence = evidence_.find(found.name, kind.flops);
  if (evidence == nullptr) return;
  found.sort = static_cast<Sort>(evidence->sort);
  found.each = evidence->alone.value();
  found.known += times * std::min(duration, found.each);
  found.spread = evidence->spread;
  found.extrapolated = evidence->extrapolated;
}

/// Of the time that a component's exchanges were waited for, each has the share of its bytes.
void Work::add_exchange(const Kind& kind, const TransferPlan& plan, double times) {
  if (plan.phases.empty()) return;
  Item& found = item(plan.component, kind);
  const auto [sort, constants] = known_of(plan, exchanges_);
  found.sort = sort;
  found.each = plan.bytes_sent_per_member;
  found.whole += times * found.each;
  found.known = found.whole;
  if (constants == nullptr) return;
  found.spread = constants->spread;
  found.extrapolated = !constants->measured;
}

std::vector<Item> Work::items(const std::array<double, component_count>& seconds) const {
  std::vector<Item> out;
  for (std::size_t i = 0; i < component_count; ++i) {
    double added = 0.0;
    for (const auto& [name, item] : by_name_[i]) added += item.whole;
    if (added <= 0.0) continue;
    for (const auto& [name, item] : by_name_[i]) {
      out.push_back(item);
      out.back().whole *= seconds[i] / added;
      out.back().known *= seconds[i] / added;
    }
  }
  return out;
}

double square(double x) { return x * x; }

/// Deviations to either side: the formula that opens interval.hpp.
Spread deviations(const std::vector<Item>& items, double whole) {
  struct Shape {
    double share = 0.0;
    Spread spread{};
  };
  std::array<double, sort_count> by_sort{};
  std::map<std::pair<Sort, double>, Shape> shapes;
  for (const Item& item : items) {
    const auto sort = static_cast<std::size_t>(item.sort);
    Shape& shape = shapes[{item.sort, item.each}];
    shape.share += item.known / whole;
    shape.spread = own_of(item.sort, item.spread);
    by_sort[sort] += item.known / whole;
  }
  Spread squares{0.0, 0.0};
  for (const auto& [key, shape] : shapes) {
    squares.low += square(shape.share * std::max(0.0, 1.0 - shape.spread.low));
    squares.high += square(shape.share * std::max(0.0, shape.spread.high - 1.0));
  }
  for (std::size_t sort = 0; sort < sort_count; ++sort) {
    const double factor = std::exp(tenth_percentile * known[sort].shared);
    squares.low += square(by_sort[sort] * (1.0 - 1.0 / factor));
    squares.high += square(by_sort[sort] * (factor - 1.0));
  }
  return {std::sqrt(squares.low), std::sqrt(squares.high)};
}

/// By name, the largest first.
std::vector<Extrapolated> extrapolated_of(const std::vector<Item>& items, double whole) {
  std::map<std::string, double> shares;
  for (const Item& item : items) {
    if (item.extrapolated) shares[item.name] += item.whole / whole;
  }
  std::vector<Extrapolated> out;
  for (const auto& [name, share] : shares) {
    if (share > 0.0) out.push_back({name, share});
  }
  std::ranges::stable_sort(out, std::greater<>{}, &Extrapolated::share);
  return out;
}

}  // namespace

StepInterval step_interval(const Program& program, const RunResult& result,
                           const EvidenceBook& evidence, const CollectiveConstants& exchanges) {
  const Counts counts(program);
  Work work(program, evidence, exchanges);
  counts.for_each([&](const RankClass& rank_class, const Kind& kind, double times) {
    work.add(rank_class, kind, times);
  });
  const std::vector<Item> items = work.items(counts.seconds(result));
  double whole = 0.0;
  for (const Item& item : items) whole += item.whole;
  if (whole <= 0.0) return {};
  const Spread sides = deviations(items, whole);
  return {.low = std::max(0.0, 1.0 - sides.low),
          .high = 1.0 + sides.high,
          .extrapolated = extrapolated_of(items, whole)};
}

}  // namespace orrery
